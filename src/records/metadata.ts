/** What may stand beside a request, from whomever it comes. */
export const maximumMetadataEntries = 16

export const metadataKey = '[A-Za-z0-9_.-]{1,64}'
export const metadataValue = '[^\\u0000-\\u001f\\u007f]{0,256}'

export type Metadata = Readonly<Record<string, string>>

const [keyForm, valueForm] = [new RegExp(`^${metadataKey}$`), new RegExp(`^${metadataValue}$`, 'u')]

/** Whether a value that was parsed of JSON is metadata, and can be kept as text. */
export function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value as Record<string, unknown>)
  return (
    entries.length <= maximumMetadataEntries &&
    entries.every(
      ([key, each]) =>
        key !== '__proto__' &&
        keyForm.test(key) &&
        typeof each === 'string' &&
        each.isWellFormed() &&
        valueForm.test(each)
    )
  )
}
