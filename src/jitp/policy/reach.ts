import type { FindingId } from '../findings/finding.ts'
import { quoted } from '../findings/finding.ts'
import { isNeverMet } from './condition-checks.ts'
import type { DocumentText } from './document-report.ts'
import { covers, overlaps, type Pattern } from './matching/pattern.ts'
import { narrowTo, type PolicySurroundings } from './matching/resource.ts'
import { filterTopics, nameOf } from './matching/topic-names.ts'
import type { ResourceType } from './reference/device-actions.ts'
import type { PolicyAction, PolicyResource, PolicyStatement } from './statement.ts'

/** What the policies of a template do not do together. */
export interface ReachProblem {
  readonly id: FindingId
  /** Which document it is told at; undefined where it is in none. */
  readonly document: number | undefined
  readonly text: DocumentText
}

interface Grant {
  readonly document: number
  readonly action: PolicyAction
  readonly resource: PolicyResource
  readonly pattern: Pattern
}

/**
 * What all policies of a certificate come to, as AWS IoT judges them: an action is allowed where an Allow matches and no
 * Deny does. Documents of which something is not known must not be among them. Nothing is said of what cannot be told.
 */
export function judgeReach(
  documents: readonly (readonly PolicyStatement[])[],
  surroundings: PolicySurroundings
): readonly ReachProblem[] {
  const judge = new ReachJudge(documents, surroundings)
  return [...judge.connect(), ...judge.messages()]
}

/** Thrown nowhere outside: what is left would take too many steps. */
class NotKnown extends Error {}

class ReachJudge {
  readonly #statements: readonly { readonly document: number; readonly statement: PolicyStatement }[]
  readonly #surroundings: PolicySurroundings

  constructor(documents: readonly (readonly PolicyStatement[])[], surroundings: PolicySurroundings) {
    this.#statements = documents.flatMap((statements, document) =>
      statements.map(statement => ({ document, statement }))
    )
    this.#surroundings = surroundings
  }

  connect(): readonly ReachProblem[] {
    return this.#unlessUnknown(() => {
      if (this.#allowed('iot:Connect', 'client').length > 0) return []
      const mention = this.#mention('iot:Connect')
      const isDenied = mention?.statement.effect === 'Deny'
      const message = isDenied
        ? 'iot:Connect is denied, whatever else the policies allow.'
        : mention === undefined
          ? 'No policy here allows iot:Connect.'
          : 'iot:Connect is allowed here on nothing that could be a client.'
      return [
        {
          id: 'policy-lets-nobody-connect',
          document: mention?.document,
          text: {
            pointer: mention?.action.pointer ?? '',
            index: 0,
            message,
            expected: 'iot:Connect on arn:aws:iot:REGION:ACCOUNT:client/…',
            found: isDenied ? 'Deny' : mention === undefined ? 'other actions' : 'other resources'
          }
        }
      ]
    })
  }

  /** Subscribing and receiving are allowed apart, and each is of no use without the other. */
  messages(): readonly ReachProblem[] {
    return this.#unlessUnknown(() => {
      const subscribed = this.#allowed('iot:Subscribe', 'topicfilter')
      const received = this.#allowed('iot:Receive', 'topic')
      const published = this.#allowed('iot:Publish', 'topic')
      const retained = this.#allowed('iot:RetainPublish', 'topic')
      const filters = subscribed.map(({ pattern }) => filterTopics(nameOf(pattern, 'topicfilter')))
      const namesOf = (grants: readonly Grant[]) => grants.map(({ pattern }) => nameOf(pattern, 'topic'))
      return [
        ...this.#without('policy-subscribes-without-receive', 'iot:Receive', {
          grants: subscribed,
          names: filters,
          others: namesOf(received)
        }),
        ...this.#without('policy-receives-without-subscribe', 'iot:Subscribe', {
          grants: received,
          names: namesOf(received),
          others: filters
        }),
        ...this.#without('policy-retains-without-publish', 'iot:Publish', {
          grants: retained,
          names: namesOf(retained),
          others: namesOf(published)
        })
      ]
    })
  }

  /** Of the grants, those whose names meet none of the others. */
  #without(
    id: FindingId,
    missing: string,
    { grants, names, others }: { grants: readonly Grant[]; names: readonly Name[]; others: readonly Name[] }
  ): readonly ReachProblem[] {
    const told = new Set<string>()
    return grants.flatMap(({ document, action, resource }, index) => {
      const name = names[index]
      const place = `${document} ${resource.pointer}`
      if (told.has(place) || others.some(other => this.#meet(name, other))) return []
      told.add(place)
      const message = `${action.text} is allowed on ${quoted(resource.text)}, and ${missing} on no topic of it.`
      const found = quoted(resource.text)
      const text = { pointer: resource.pointer, index: 0, message, expected: missing, found }
      return [{ id, document, text }]
    })
  }

  #meet(one: Name, other: Name): boolean {
    if (one === undefined || other === undefined) return true
    return known(overlaps(one, other, this.#surroundings.effort))
  }

  /** What is allowed of an action and not denied for certain. */
  #allowed(actionName: string, type: ResourceType): readonly Grant[] {
    return this.#grants('Allow', actionName, type).filter(grant => !this.#isDenied(actionName, type, grant))
  }

  #isDenied(actionName: string, type: ResourceType, { pattern }: Grant): boolean {
    const denials = this.#grants('Deny', actionName, type)
    return denials.some(({ resource }) => known(covers(resource.pattern, pattern, this.#surroundings.effort)))
  }

  #grants(effect: 'Allow' | 'Deny', actionName: string, type: ResourceType): readonly Grant[] {
    return this.#statements.flatMap(({ document, statement }) => {
      if (statement.effect !== effect) return []
      const { conditions } = statement
      const isOut =
        effect === 'Deny'
          ? conditions.length > 0
          : conditions.some(condition => isNeverMet(condition, this.#surroundings.hasThing))
      const action = statement.actions.find(each => isOf(each, actionName))
      if (isOut || action === undefined) return []
      return statement.resources.flatMap(resource => {
        if (resource.typesHere === undefined) throw new NotKnown()
        if (!resource.typesHere.includes(type)) return []
        const pattern = narrowTo(type, resource, this.#surroundings)
        if (pattern === undefined) throw new NotKnown()
        return isNoTopic(pattern, type) ? [] : [{ document, action, resource, pattern }]
      })
    })
  }

  /** Where the action stands: the Deny that takes it away, or an Allow that gives nothing. */
  #mention(actionName: string) {
    const all = this.#statements.flatMap(({ document, statement }) => {
      const action = statement.actions.find(each => isOf(each, actionName))
      return action === undefined ? [] : [{ document, statement, action }]
    })
    const allows = all.filter(({ statement }) => statement.effect === 'Allow')
    const hasGrants = this.#grants('Allow', actionName, 'client').length > 0
    const denies = all.filter(
      ({ statement }) => hasGrants && statement.effect === 'Deny' && statement.conditions.length === 0
    )
    return denies[0] ?? allows[0]
  }

  #unlessUnknown(judge: () => readonly ReachProblem[]): readonly ReachProblem[] {
    try {
      return judge()
    } catch (error) {
      if (!(error instanceof NotKnown)) throw error
      return []
    }
  }
}

type Name = Pattern | undefined

function known(answer: boolean | undefined): boolean {
  if (answer === undefined) throw new NotKnown()
  return answer
}

function isOf({ meaning }: PolicyAction, actionName: string): boolean {
  if (meaning.kind === 'open') throw new NotKnown()
  return meaning.kind === 'device' && meaning.actions.some(({ name }) => name === actionName)
}

/** A topic that messages are sent to has no wildcards of MQTT in its name (MQTT 5.0, 3.3.2.1). */
function isNoTopic(pattern: Pattern, type: ResourceType): boolean {
  if (type !== 'topic') return false
  return (
    nameOf(pattern, type)?.some(token => token.kind === 'character' && '+#'.includes(token.value)) === true
  )
}
