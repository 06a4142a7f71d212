/** A page of text and links: it runs nothing, loads nothing and needs no style. */
export function renderPage(title: string, html: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mintline: ${title}</title>${html}</html>`
}

/** Plain text as HTML; what stands between backticks is code, and between two pairs of asterisks strong. */
export function renderText(text: string): string {
  return escapeText(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Any text as HTML that says the same, within an element or a quoted attribute. */
export function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => entities[character]!)
}

export const contentSecurityPolicy = "default-src 'none'"
