import { partitionOf } from '../../iot/place.ts'
import { type LintInput, neighboursOfSameSubject } from './lint.ts'

/**
 * What AWS IoT takes, and what may not be meant or not work everywhere, but for the policies. Each text says what follows from it. Pure.
 *
 * @param issuingLines the lines that profiles name.
 */
export function registrationWarnings(input: LintInput, issuingLines: ReadonlySet<string>): readonly string[] {
  return [
    ...lineWarnings(input, issuingLines),
    ...stateWarnings(input),
    ...subjectWarnings(input),
    ...switchWarnings(input),
    ...partitionWarnings(input)
  ]
}

/** AWS IoT looks for the CA that signed the device itself; a root above it is of no use there. */
function lineWarnings({ authority }: LintInput, issuingLines: ReadonlySet<string>): readonly string[] {
  if (issuingLines.has(authority.line)) return []
  return [
    `No profile names the line ${authority.line}: it signs no device. Register the authority that signs the devices, not one above it.`
  ]
}

function stateWarnings({ authority: { name, state }, isRegistered }: LintInput): readonly string[] {
  if (state !== 'retired' || isRegistered) return []
  return [
    `${name} is retired: it signs no device any more. Only devices that it signed and that have not been powered up yet need it here.`
  ]
}

/** AWS IoT Developer Guide, "Manage your CA certificates": the chain tells CAs of one subject apart. */
function subjectWarnings(input: LintInput): readonly string[] {
  const names = neighboursOfSameSubject(input).map(({ authority }) => authority.name)
  if (names.length === 0) return []
  return [
    `The account and region has CAs of the same subject (${names.join(', ')}): a device that sends its own certificate alone may be refused. Devices must send the chain that they were issued with.`
  ]
}

function switchWarnings({ desired }: LintInput): readonly string[] {
  const { setAsActive, allowAutoRegistration } = desired
  const off = [
    ...(setAsActive ? [] : ['setAsActive']),
    ...(allowAutoRegistration ? [] : ['allowAutoRegistration'])
  ]
  if (off.length === 0) return []
  return [`${off.join(' and ')} false: AWS IoT takes no new device of this CA.`]
}

/** The other partitions get features later, and their documentation is no proof for every region. */
function partitionWarnings({ place, desired }: LintInput): readonly string[] {
  const partition = partitionOf(place.region)
  if (partition === 'aws' || desired.provisioning === null) return []
  return [
    `Just-in-time provisioning was missing in regions of the partition ${partition} before: prove it with one device before a line depends on it.`
  ]
}
