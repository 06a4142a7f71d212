import type { AttachmentControl } from './control/attachment-control.ts'
import type { ClaimedPush } from './push.ts'

/** A certificate whose attachments are taken away, and what is known of them. */
export type Attached = Pick<ClaimedPush, 'id' | 'intentId' | 'things' | 'observed'>

export interface CleaningUp<Of extends Attached = ClaimedPush> {
  readonly control: AttachmentControl
  /** That it is there, with these things. Durable before they are detached: from then on nothing at AWS says which they were. */
  readonly noteThings: (push: Of, things: readonly string[]) => Promise<void>
  /** Whether the device has another certificate, or that is not known. */
  readonly hasOther: (push: Of) => Promise<boolean>
}

/**
 * Takes the certificate's policies and things from it, and deletes those of the things that nothing else needs. A crash at any
 * point leaves what the next look goes on with.
 *
 * @returns whether anything was there.
 */
export async function cleanUp<Of extends Attached>(
  { control, noteThings, hasOther }: CleaningUp<Of>,
  push: Of,
  certificateArn: string
): Promise<boolean> {
  const attached = await control.listThings(certificateArn)
  const things = [...new Set([...push.things, ...attached])]
  if (push.observed === null || attached.some(thing => !push.things.includes(thing)))
    await noteThings(push, things)
  const policies = await control.listPolicies(certificateArn)
  for (const policy of policies) await control.detachPolicy(policy, certificateArn)
  for (const thing of attached) await control.detachThing(thing, certificateArn)
  await removeThings({ control, hasOther }, push, things)
  return things.length + policies.length > 0
}

/** A thing of a device that has another certificate is what that one connects as, or will. */
export async function removeThings<Of extends Attached>(
  { control, hasOther }: Pick<CleaningUp<Of>, 'control' | 'hasOther'>,
  push: Of,
  things: readonly string[]
): Promise<void> {
  if (things.length === 0 || (await hasOther(push))) return
  for (const thing of things)
    if ((await control.isThingFree(thing)) === true) await control.deleteThing(thing)
}
