const longest = 80

/** A value as it appears in a message: quoted, and cut after 80 characters. */
export function quoted(value: string): string {
  // A character has two code units at most; what is far longer is not taken apart to be cut.
  const characters = [...value.slice(0, 2 * longest + 2)]
  return characters.length > longest ? `\`${characters.slice(0, longest - 3).join('')}…\`` : `\`${value}\``
}
