import { errorCodes } from '../../errors/mintline-error.ts'
import { problemTable } from './problem-table.ts'

const introduction =
  'Every error is a problem document (RFC 9457) with one of these codes. Programs branch on the code; people read the detail. Codes are never reworded.'

/** `docs/errors.md`. */
export function renderErrorReference(): string {
  const sections = errorCodes.map(code => {
    const { status, title, meaning, remedy } = problemTable[code]
    return `## ${code}\n\n${title}. HTTP status ${status}.\n\n${meaning}\n\nWhat to do: ${remedy}\n`
  })
  return `# Errors\n\n${introduction}\n\n${sections.join('\n')}`
}

/** The same as a page, on which the `type` of a problem document finds its section. */
export function renderErrorPage(): string {
  const sections = errorCodes.map(code => {
    const { status, title, meaning, remedy } = problemTable[code]
    const paragraphs = [`${title}. HTTP status ${status}.`, meaning, `What to do: ${remedy}`]
    return `<h2 id="${code}">${code}</h2>${paragraphs.map(text => `<p>${markCode(escapeHtml(text))}</p>`).join('')}`
  })
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Mintline errors</title><h1>Errors</h1><p>${introduction}</p>${sections.join('')}</html>`
}

/** What Markdown has between backticks. */
function markCode(html: string): string {
  return html.replace(/`([^`]+)`/g, '<code>$1</code>')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
