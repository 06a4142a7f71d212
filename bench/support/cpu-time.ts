import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** CPU seconds, user and system, that the processes whose command line holds `text` have used so far. */
export function cpuSecondsOf(isWanted: (commandLine: string, pid: number) => boolean): number {
  let ticks = 0
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const commandLine = readFileSync(`/proc/${entry}/cmdline`, 'latin1').replaceAll('\0', ' ')
      if (!isWanted(commandLine, Number(entry))) continue
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return ticks / ticksPerSecond
}

/** Milliseconds that the first thread of a process, which in Node serves all requests, has run so far. Linux. */
export function mainThreadMs(pid: number): number {
  const [ranNs = ''] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')
  return Number(ranNs) / 1e6
}

/** What a process has of the machine's memory at this moment. Linux. */
export function residentMebibytes(pid: number): number {
  const [, kibibytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Math.round(Number(kibibytes) / 1024)
}
