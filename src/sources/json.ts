const textOrName = /"(?:[^"\\]|\\.)*"(\s*:)?/gs

/**
 * Reads JSON whose meaning is nobody's choice: where an object has a member twice, readers differ about which counts
 * (RFC 8259, section 4).
 *
 * @throws SyntaxError also where a member is there twice.
 */
export function parseUnambiguousJson(text: string): unknown {
  const value = JSON.parse(text) as unknown
  let named = 0
  for (const [, colon] of text.matchAll(textOrName)) if (colon !== undefined) named += 1
  if (named > countMembers(value)) throw new SyntaxError('A member is there twice')
  return value
}

function countMembers(root: unknown): number {
  let count = 0
  const waiting = [root]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const members: unknown[] = Array.isArray(value) ? value : Object.values(value)
    if (!Array.isArray(value)) count += members.length
    for (const member of members) waiting.push(member)
  }
  return count
}
