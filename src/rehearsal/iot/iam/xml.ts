/** A value of a reply of the Query protocol. */
export type XmlValue =
  string | number | boolean | undefined | readonly XmlValue[] | { readonly [name: string]: XmlValue }

/** A structure becomes elements by the names of its members, a list `member` elements; what is undefined is left out. */
export function formatXml(value: XmlValue): string {
  if (value === undefined) return ''
  if (Array.isArray(value))
    return (value as readonly XmlValue[]).map(item => element('member', item)).join('')
  if (typeof value !== 'object') return escapeText(String(value))
  return Object.entries(value)
    .map(([name, member]) => (member === undefined ? '' : element(name, member)))
    .join('')
}

function element(name: string, value: XmlValue): string {
  return `<${name}>${formatXml(value)}</${name}>`
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
