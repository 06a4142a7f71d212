import { errorCodes } from '../../errors/mintline-error.ts'
import { renderPage, renderText } from '../pages/page.ts'
import { problemTable } from './problem-table.ts'

const introduction =
  'Every error is a problem document (RFC 9457) with one of these codes. Programs branch on the code; people read the detail. Codes are never reworded.'

/** `docs/errors.md`. @internal `npm run openapi` writes it. */
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
    return `<h2 id="${code}">${code}</h2>${paragraphs.map(text => `<p>${renderText(text)}</p>`).join('')}`
  })
  return renderPage('errors', `<h1>Errors</h1><p>${introduction}</p>${sections.join('')}`)
}
