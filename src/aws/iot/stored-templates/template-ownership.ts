/** A stored template of the account may be somebody else's: ours says so in its description and by a tag. */
export const ownerTag = { Key: 'managed-by', Value: 'mintline' } as const

interface Described {
  readonly description: string
}

const mark = 'Managed by Mintline'
const adoption = /Version (\d{1,15}) was the default when it was adopted\./

/** At most 500 characters, as AWS takes it. */
export function describeOwnership(profile: string, adoptedVersionId?: number): string {
  const adopted =
    adoptedVersionId === undefined ? '' : ` Version ${adoptedVersionId} was the default when it was adopted.`
  return `${mark} for the profile ${profile}.${adopted}`
}

/** Whether the description alone tells; where it was changed by hand, the tag may. */
export function isDescribedAsOurs({ description }: Described): boolean {
  return description.startsWith(mark)
}

/** The version that was the default one before Mintline made its own: it stays, for the way back. */
export function adoptedVersionOf({ description }: Described): number | undefined {
  const version = adoption.exec(description)?.[1]
  return version === undefined ? undefined : Number(version)
}
