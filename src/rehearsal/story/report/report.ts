import type { StepReport } from '../steps.ts'
import type { Compared } from './comparison.ts'

/** How the whole story ended; what `--json` prints. */
export interface StoryReport {
  readonly verdict: 'as-predicted' | 'not-as-predicted' | 'failed'
  readonly milliseconds: number
  readonly steps: readonly StepReport[]
  readonly comparison: readonly Compared[]
}

const marks = { done: 'ok', failed: 'FAILED', 'left-out': '-' } as const

/** One step as it happens. */
export function renderStep({ title, outcome, milliseconds, detail }: StepReport, number: number): string {
  const time = outcome === 'left-out' ? 'left out' : `${(milliseconds / 1000).toFixed(2)} s`
  const lines = detail === '' ? [] : detail.split('\n').map(line => `      ${line}`)
  return [`${String(number).padStart(4)}. ${title}  [${marks[outcome]}, ${time}]`, ...lines, ''].join('\n')
}

/** What was predicted beside what came of it, the table of steps and the verdict. */
export function renderReport({ verdict, milliseconds, steps, comparison }: StoryReport): string {
  return [
    ...(comparison.length === 0 ? [] : ['', 'Predicted before power-up, and found after it:', '']),
    ...comparison.map(renderCompared),
    '',
    ...table(steps),
    '',
    `${verdicts[verdict]} ${(milliseconds / 1000).toFixed(1)} s in all.`,
    ''
  ].join('\n')
}

const verdicts = {
  'as-predicted': 'Verdict: the device is provisioned, exactly as predicted.',
  'not-as-predicted': 'Verdict: the device is provisioned, but NOT as predicted.',
  failed: 'Verdict: FAILED. The last step above says why.'
} as const

function renderCompared({ what, predicted, found, isEqual }: Compared): string {
  const predictedText = JSON.stringify(predicted)
  if (isEqual) return `  equal      ${what}: ${predictedText}`
  return `  DIFFERENT  ${what}: predicted ${predictedText}, found ${JSON.stringify(found)}`
}

function table(steps: readonly StepReport[]): readonly string[] {
  const width = Math.max(4, ...steps.map(({ title }) => title.length))
  return [
    `  ${'step'.padEnd(width)}  result   seconds`,
    ...steps.map(
      ({ title, outcome, milliseconds }) =>
        `  ${title.padEnd(width)}  ${marks[outcome].padEnd(7)}  ${(milliseconds / 1000).toFixed(2).padStart(7)}`
    )
  ]
}
