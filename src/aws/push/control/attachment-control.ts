import {
  DeleteThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  ListAttachedPoliciesCommand,
  ListPrincipalThingsCommand,
  ListThingPrincipalsCommand
} from '@aws-sdk/client-iot'
import { MintlineError } from '../../../errors/mintline-error.ts'
import { type InTurn, orUndefined } from '../../iot/in-turn.ts'

/** What a certificate is attached to. What is not there, or not attached any more, is no mistake. */
export interface AttachmentControl {
  /** Names of the policies of a certificate, by its ARN. */
  listPolicies(certificateArn: string): Promise<readonly string[]>
  detachPolicy(policyName: string, certificateArn: string): Promise<void>
  /** Names of the things of a certificate. */
  listThings(certificateArn: string): Promise<readonly string[]>
  detachThing(thingName: string, certificateArn: string): Promise<void>
  /** Whether nothing is attached to the thing; undefined where there is no such thing. */
  isThingFree(thingName: string): Promise<boolean | undefined>
  deleteThing(thingName: string): Promise<void>
}

const pageSize = 100
/** More than AWS lets anybody attach. */
const maximumPages = 100

export function createAttachmentControl(client: IoTClient, paced: InTurn): AttachmentControl {
  return {
    listPolicies: target =>
      listAll('ListAttachedPolicies', marker =>
        paced('ListAttachedPolicies', async abortSignal => {
          const command = new ListAttachedPoliciesCommand({ target, marker, pageSize })
          const reply = await orUndefined(client.send(command, { abortSignal }))
          return { items: reply?.policies?.map(({ policyName = '' }) => policyName), next: reply?.nextMarker }
        })
      ),
    async detachPolicy(policyName, target) {
      await paced('DetachPolicy', abortSignal =>
        orUndefined(client.send(new DetachPolicyCommand({ policyName, target }), { abortSignal }))
      )
    },
    listThings: principal =>
      listAll('ListPrincipalThings', nextToken =>
        paced('ListPrincipalThings', async abortSignal => {
          const command = new ListPrincipalThingsCommand({ principal, nextToken, maxResults: pageSize })
          const reply = await orUndefined(client.send(command, { abortSignal }))
          return { items: reply?.things, next: reply?.nextToken }
        })
      ),
    async detachThing(thingName, principal) {
      await paced('DetachThingPrincipal', abortSignal =>
        orUndefined(client.send(new DetachThingPrincipalCommand({ thingName, principal }), { abortSignal }))
      )
    },
    isThingFree: thingName =>
      paced('ListThingPrincipals', async abortSignal => {
        const command = new ListThingPrincipalsCommand({ thingName, maxResults: 1 })
        const reply = await orUndefined(client.send(command, { abortSignal }))
        return reply && reply.principals?.length === 0
      }),
    async deleteThing(thingName) {
      await paced('DeleteThing', abortSignal =>
        orUndefined(client.send(new DeleteThingCommand({ thingName }), { abortSignal }))
      )
    }
  }
}

interface Listed {
  readonly items: readonly string[] | undefined
  readonly next: string | undefined
}

async function listAll(
  operation: string,
  read: (marker: string | undefined) => Promise<Listed>
): Promise<readonly string[]> {
  const all: string[] = []
  let marker: string | undefined
  for (let page = 0; page < maximumPages; page++) {
    const { items = [], next } = await read(marker)
    all.push(...items)
    if (next === undefined || next === '') return all
    marker = next
  }
  throw new MintlineError(
    'aws_refused',
    `AWS answers iot:${operation} with more than ${maximumPages * pageSize} entries. Detach some of them there.`
  )
}
