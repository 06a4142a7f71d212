import { expect, it } from 'vitest'
import { findingCatalogue } from '../../../src/jitp/findings/finding.ts'

const introduction = `# Template findings

What \`mintline template check\`, the posting of a profile and the pre-flight of an issuance say about an AWS IoT
provisioning template. Ids do not change; wording may. The switches named here are in [jitp.md](jitp.md).

- **error**: AWS refuses the template, or would provision no device with it. Mintline refuses it too.
- **warning**: it works, with a consequence that is easily missed.
- **note**: worth knowing.
`

/** The document follows from the catalogue; \`npx vitest run -u\` writes it anew. */
function describeCatalogue(): string {
  const entries = Object.entries(findingCatalogue).map(
    ([id, { severity, atAws, remedy }]) =>
      `## ${id}\n\n**${severity}**\n\n- At AWS: ${atAws}\n- To do: ${remedy}\n`
  )
  return [introduction, ...entries].join('\n')
}

it('docs/template-findings.md is in step with the catalogue', async () => {
  await expect(describeCatalogue()).toMatchFileSnapshot('../../../docs/template-findings.md')
})
