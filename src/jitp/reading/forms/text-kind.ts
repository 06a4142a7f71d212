/** What a text that is no JSON looks like. */
export type TextKind =
  | { readonly kind: 'yaml' }
  | { readonly kind: 'terraform' }
  | { readonly kind: 'other'; readonly name: string }

/** As far as a text is looked at. */
const lookedAt = 4_000

const looks: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^-----BEGIN [A-Z0-9 ]+-----/, 'PEM (a key, a certificate or a CSR)'],
  [/^<(?:!doctype html|html|head|body)\b/i, 'an HTML page'],
  [/^<(?:\?xml|!--|[a-z])/i, 'XML'],
  [/^%PDF-/, 'a PDF file'],
  [/^```/, 'Markdown: the template between lines of ```'],
  [/^#!/, 'a script'],
  [/^(?:\$ |> )?(?:sudo )?aws(?: --?\S+)* [a-z]/, 'a command of the AWS CLI'],
  [
    /^(?:import\s+(?:\*|\{|\w+\s+from\b|['"])|export\s+(?:class|const|default)\b)/,
    'TypeScript or JavaScript'
  ],
  [/^(?:const|let|var|function|class)\s+\w+/, 'TypeScript or JavaScript'],
  [/^(?:from\s+[\w.]+\s+import\b|import\s+\w+|def\s+\w+\()/, 'Python'],
  [/^HTTP\/[0-9.]+ [0-9]{3}/, 'a reply of an HTTP server']
]

const terraformBlock =
  /^[^\S\n]*(?:(?:resource|data)\s+"[^"]*"\s+"[^"]*"|(?:module|provider|variable|output)\s+"[^"]*"|locals|terraform)\s*\{/m
const terraformObject = /^(?:jsonencode\s*\(\s*)?\{\s*"?[\w:]+"?\s*=\s|^jsonencode\s*\(|^template_body\s*=/
/** What stands in double quotes before a brace or another quote is JSON that has lost its own brace. */
const yamlLine =
  /^(?!\/[/*])(?:---|%YAML|-\s|[\w./-]+(?:::?[\w./-]+)*\s*:(?:\s|$)|'[^'\n]*'\s*:(?:\s|$)|"[^"\n]*"[^\S\n]*:[^\S\n]*(?:$|\r?\n|[^\s{["]))/

/** Undefined where the text looks like JSON, or like nothing that is known. */
export function recogniseText(text: string): TextKind | undefined {
  const start = text.slice(0, lookedAt).replace(/^[\s\ufeff]+/, '')
  if (terraformObject.test(start)) return { kind: 'terraform' }
  if (start === '' || /^[[{]/.test(start)) return undefined
  for (const [pattern, name] of looks) if (pattern.test(start)) return { kind: 'other', name }
  // eslint-disable-next-line no-control-regex -- what no text has
  if (/[\u0000-\u0008]/.test(start)) return { kind: 'other', name: 'binary data' }
  if (terraformBlock.test(start)) return { kind: 'terraform' }
  const firstLine = start.replace(/^(?:#[^\n]*(?:\n\s*|$))+/, '')
  return yamlLine.test(firstLine) ? { kind: 'yaml' } : undefined
}
