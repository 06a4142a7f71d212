import { type Config, type Environment, nameOf, settingEntries } from './config.ts'

/** How one variable is described in `--help`, in `check-config` and in the README. */
export interface DescribedSetting {
  readonly name: string
  readonly defaultText: string
  readonly meaning: string
}

export const describedSettings: readonly DescribedSetting[] = settingEntries.flatMap(([, setting]) => {
  const { name, defaultText, meaning, kind, fileVariant } = setting
  const described = { name, defaultText, meaning: kind.describe(meaning) }
  if (fileVariant === undefined) return [described]
  return [described, { name: fileVariant.name, defaultText: 'none', meaning: `${fileVariant.meaning}.` }]
})

/** So that what follows the names stands in one column. */
const nameWidth = Math.max(...describedSettings.map(({ name }) => name.length))
const inColumn = (name: string, text: string) => `${name.padEnd(nameWidth)} ${text}`

/** One line a variable, for the usage text. */
export function describeSettings(): string {
  return describedSettings
    .map(({ name, defaultText, meaning }) => `  ${inColumn(name, `${meaning} Default: ${defaultText}.`)}`)
    .join('\n')
}

/** One line a variable: what the service runs with. Secrets are not shown. */
export function describeValues(config: Config, environment: Environment): string {
  const lines = settingEntries.flatMap(([member, setting]) => {
    const { name, kind, defaultText, fileVariant } = setting
    const value = config[member]
    const shown = value === undefined ? defaultText : kind.show(value)
    if (fileVariant === undefined) return [inColumn(name, shown)]
    const given = nameOf(setting, environment)
    return [name, fileVariant.name].map(each => inColumn(each, each === given ? shown : '(not set)'))
  })
  return `${lines.join('\n')}\n`
}

/** The table of the README. @internal `npm run openapi` writes it. */
export function renderSettingsTable(): string {
  const cellsOf = ({ name, defaultText, meaning }: DescribedSetting) =>
    [`\`${name}\``, defaultText, meaning.replaceAll('|', '\\|')].join(' | ')
  const rows = ['name | default | meaning', '--- | --- | ---', ...describedSettings.map(cellsOf)]
  return rows.map(row => `| ${row} |\n`).join('')
}
