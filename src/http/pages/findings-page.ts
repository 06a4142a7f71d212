import { findingCatalogue } from '../../jitp/findings/finding.ts'
import { renderPage, renderText } from './page.ts'

const introduction = [
  'What the posting of a profile, the pre-flight of an issuance and `mintline template check` say about an AWS IoT provisioning template. Ids do not change; wording may.',
  '**error**: AWS refuses the template, or would provision no device with it. Mintline refuses it too.',
  '**warning**: it works, with a consequence that is easily missed.',
  '**note**: worth knowing.'
]

/** `docs/template-findings.md` as a page, on which the id of a finding is an anchor. */
export function renderFindingsPage(): string {
  const sections = Object.entries(findingCatalogue).map(([id, { severity, atAws, remedy }]) => {
    const paragraphs = [`**${severity}**`, `At AWS: ${atAws}`, `To do: ${remedy}`]
    return `<h2 id="${id}">${id}</h2>${paragraphs.map(toParagraph).join('')}`
  })
  return renderPage(
    'template findings',
    `<h1>Template findings</h1>${introduction.map(toParagraph).join('')}${sections.join('')}`
  )
}

function toParagraph(text: string): string {
  return `<p>${renderText(text)}</p>`
}
