/**
 * How a switch is set, on the command line and in a profile. `member` is the member of a profile, such as
 * `jitp.functions`; the flag bears its last name. Without a value, the choice is the reader's.
 */
export function switchNames(member: string, value?: string): string {
  const [, name = member] = /\.(\w+)$/.exec(member) ?? []
  const flag = `--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
  const [given, set] = value === undefined || value === 'true' ? [flag, value] : [`${flag} ${value}`, value]
  return `\`${given}\` on the command line, \`${set === undefined ? member : `${member}: ${set}`}\` in a profile`
}
