import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed } from '../der/tag.ts'
import { type Name, parseName } from '../name/name.ts'
import { type ComparableName, comparableName } from './distinguished-name.ts'

/** The forms of a GeneralName, in the order of their tags (RFC 5280 §4.2.1.6). */
const forms = [
  'otherName',
  'rfc822Name',
  'dNSName',
  'x400Address',
  'directoryName',
  'ediPartyName',
  'uniformResourceIdentifier',
  'iPAddress',
  'registeredID'
] as const

type NameForm = (typeof forms)[number]

interface DirectorySubtree {
  readonly name: Name
  readonly base: ComparableName
}

/** The subtrees of directory names, the one form of which a certificate of ours has names. */
export interface NameConstraints {
  /** Undefined where no subtree of directory names is permitted by name: then all are. */
  readonly permitted: readonly DirectorySubtree[] | undefined
  readonly excluded: readonly DirectorySubtree[]
  /** A minimum or maximum, which RFC 5280 §4.2.1.10 forbids and verifiers refuse. */
  readonly hasDistances: boolean
}

/** More than any CA has; the comparisons of a chain take milliseconds then. */
const maximumSubtrees = 256

/** Reads NameConstraints (RFC 5280 §4.2.1.10). @throws MintlineError `authority_invalid` for what is malformed or too long. */
export function parseNameConstraints(value: Uint8Array): NameConstraints {
  const outer = new DerReader(value, createDerRefusal('authority_invalid', 'nameConstraints'))
  const constraints = outer.readSequence('nameConstraints')
  outer.assertEnd('nameConstraints')
  const permitted = readSubtrees(constraints, 0)
  const excluded = readSubtrees(constraints, 1)
  if (permitted.length + excluded.length === 0) throw constraints.refuse('it constrains nothing', 0)
  constraints.assertEnd('nameConstraints')
  const ofPermitted = permitted.flatMap(({ directory }) => directory ?? [])
  return {
    permitted: ofPermitted.length === 0 ? undefined : ofPermitted,
    excluded: excluded.flatMap(({ directory }) => directory ?? []),
    hasDistances: [...permitted, ...excluded].some(({ hasDistances }) => hasDistances)
  }
}

interface Subtree {
  readonly directory: DirectorySubtree | undefined
  /** Of a directory name; of another form it does not matter. */
  readonly hasDistances: boolean
}

function readSubtrees(constraints: DerReader, number: 0 | 1): readonly Subtree[] {
  if (constraints.peekTag() !== contextConstructed(number)) return []
  const list = constraints.enter(constraints.readElement('the subtrees'))
  const subtrees: Subtree[] = []
  while (!list.isAtEnd) {
    if (subtrees.length >= maximumSubtrees) {
      throw list.refuse(`more than ${maximumSubtrees} subtrees`, list.offset)
    }
    subtrees.push(readSubtree(list))
  }
  return subtrees
}

function readSubtree(list: DerReader): Subtree {
  const subtree = list.readSequence('a subtree')
  const start = subtree.offset
  const element = subtree.readElement('the base of a subtree')
  const form: NameForm | undefined = forms[element.tag & 0x1f]
  if ((element.tag & 0xc0) !== 0x80 || form === undefined) {
    throw subtree.refuse('the base of a subtree is no GeneralName', start)
  }
  if (form !== 'directoryName') return { directory: undefined, hasDistances: false }
  const inner = subtree.enter(element)
  const name = parseName(inner, 'a directoryName')
  inner.assertEnd('a directoryName')
  return { directory: { name, base: comparableName(name) }, hasDistances: !subtree.isAtEnd }
}
