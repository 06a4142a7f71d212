import type { AttachmentControl } from './control/attachment-control.ts'
import type { ClaimedPush } from './push.ts'

export interface CleaningUp {
  readonly control: AttachmentControl
  /** That it is there, with these things. Durable before they are detached: from then on nothing at AWS says which they were. */
  readonly noteThings: (push: ClaimedPush, things: readonly string[]) => Promise<void>
  /** Whether the device has another certificate, or that is not known. */
  readonly hasOther: (push: ClaimedPush) => Promise<boolean>
}

/**
 * Takes the certificate's policies and things from it, and deletes those of the things that nothing else needs. A crash at any
 * point leaves what the next look goes on with.
 *
 * @returns whether anything was there.
 */
export async function cleanUp(
  { control, noteThings, hasOther }: CleaningUp,
  push: ClaimedPush,
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
export async function removeThings(
  { control, hasOther }: Pick<CleaningUp, 'control' | 'hasOther'>,
  push: ClaimedPush,
  things: readonly string[]
): Promise<void> {
  if (things.length === 0 || (await hasOther(push))) return
  for (const thing of things) if (await control.isThingLeft(thing)) await control.deleteThing(thing)
}
