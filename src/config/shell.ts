/** For a POSIX shell, whatever stands in it. */
export function inSingleQuotes(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Plain names stay as they are; what a shell would read otherwise is quoted. */
export function quoteForShell(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : inSingleQuotes(text)
}
