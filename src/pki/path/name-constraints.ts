import { extensionOids } from '../certificate/extension.ts'
import type { DerElement } from '../der/element.ts'
import { decodeLatin1 } from '../der/octets.ts'
import { createDerRefusal, DerReader } from '../der/reader.ts'
import { contextConstructed } from '../der/tag.ts'
import { type Name, parseName } from '../name/name.ts'
import { type ComparableName, comparableName } from './distinguished-name.ts'
import { describePlace, type Path } from './path-certificate.ts'

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

export interface DirectorySubtree {
  readonly name: Name
  readonly base: ComparableName
}

/** Of one form of names. */
export interface Subtrees<Base> {
  /** Undefined where no subtree of the form is permitted by name: then all are. */
  readonly permitted: readonly Base[] | undefined
  readonly excluded: readonly Base[]
}

/** The subtrees of the forms of which a subject has names: those of directories are its own. */
export interface NameConstraints extends Subtrees<DirectorySubtree> {
  /** dNSName: for a common name that is one. */
  readonly hosts: Subtrees<string>
  /** rfc822Name: for an emailAddress. */
  readonly mailboxes: Subtrees<string>
  /** A minimum or maximum, which RFC 5280 §4.2.1.10 forbids and verifiers refuse. */
  readonly hasDistances: boolean
}

/** The name constraints of one CA of a path. */
export interface ConstrainedNames {
  readonly index: number
  /** The CA, for messages. */
  readonly place: string
  readonly constraints: NameConstraints
}

/** Of each CA that has some, the root first. @throws MintlineError `authority_invalid` for what cannot be read. */
export function nameConstraintsOf(path: Path): readonly ConstrainedNames[] {
  return path
    .map(({ extensions }, index) => {
      const value = extensions.all.find(({ oid }) => oid === extensionOids.nameConstraints)?.value
      return value && { index, place: describePlace(path, index), constraints: parseNameConstraints(value) }
    })
    .filter(each => each !== undefined)
    .toReversed()
}

/** More than any CA has; the comparisons of a chain take milliseconds then. */
const maximumSubtrees = 256

/** Reads NameConstraints (RFC 5280 §4.2.1.10). @throws MintlineError `authority_invalid` for what is malformed or too long. */
function parseNameConstraints(value: Uint8Array): NameConstraints {
  const outer = new DerReader(value, createDerRefusal('authority_invalid', 'nameConstraints'))
  const constraints = outer.readSequence('nameConstraints')
  outer.assertEnd('nameConstraints')
  const permitted = readSubtrees(constraints, 0)
  const excluded = readSubtrees(constraints, 1)
  if (permitted.length + excluded.length === 0) throw constraints.refuse('it constrains nothing', 0)
  constraints.assertEnd('nameConstraints')
  const select = <Base>(baseOf: (subtree: Subtree) => Base | undefined): Subtrees<Base> => {
    const bases = (subtrees: readonly Subtree[]) => subtrees.map(baseOf).filter(base => base !== undefined)
    const named = bases(permitted)
    return { permitted: named.length === 0 ? undefined : named, excluded: bases(excluded) }
  }
  return {
    ...select(({ directory }) => directory),
    hosts: select(({ form, text }) => (form === 'dNSName' ? text : undefined)),
    mailboxes: select(({ form, text }) => (form === 'rfc822Name' ? text : undefined)),
    hasDistances: [...permitted, ...excluded].some(({ hasDistances }) => hasDistances)
  }
}

interface Subtree {
  readonly form: NameForm
  readonly directory: DirectorySubtree | undefined
  /** Of the other forms, the octets one by one. */
  readonly text: string
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
  if (form !== 'directoryName') {
    return { form, directory: undefined, text: decodeLatin1(subtree.content(element)), hasDistances: false }
  }
  return { form, directory: readDirectory(subtree, element), text: '', hasDistances: !subtree.isAtEnd }
}

function readDirectory(subtree: DerReader, element: DerElement): DirectorySubtree {
  const inner = subtree.enter(element)
  const name = parseName(inner, 'a directoryName')
  inner.assertEnd('a directoryName')
  return { name, base: comparableName(name) }
}
