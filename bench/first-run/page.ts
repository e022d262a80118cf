import { availableParallelism } from 'node:os'
import type { Measured, Step } from './measure.ts'

/** What a contender did in all rounds. */
export interface Tried {
  name: string
  how: string
  measured: readonly Measured[]
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!

/** Seconds with one decimal; a dash when no round has reached the step. */
function secondsOf ({ measured }: Tried, step: Step): string {
  const reached = measured.flatMap(({ seconds }) => seconds[step] ?? [])
  return reached.length === 0 ? '-' : median(reached).toFixed(1)
}

const inMegabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)
const amount = ({ measured }: Tried, of: 'downloaded' | 'installed') =>
  inMegabytes(median(measured.map(one => one[of])))

function rowOf (tried: Tried): string {
  const failed = tried.measured.find(({ note }) => note !== '')
  const cells = failed === undefined
    ? [secondsOf(tried, 'installed'), secondsOf(tried, 'answers'), secondsOf(tried, 'ran'), amount(tried, 'downloaded'),
      amount(tried, 'installed'), String(tried.measured[0]!.packages)]
    : ['-', '-', '-', '-', '-', `could not be installed here: ${failed.note}`]
  return `| ${[tried.name, ...cells].join(' | ')} |`
}

const HEAD = ['', 'installed after, s', 'a server answers after, s', 'a task has run after, s', 'downloaded, MB',
  'on the disk, MB', 'packages']

/** The page of the results. */
export function page (tried: readonly Tried[]): string {
  const rounds = tried[0]?.measured.length ?? 0
  const cores = availableParallelism()
  return `# From nothing to the first run

Written by \`node bench/first-run/run.ts --write\`, which anybody can run again: it needs git, npm and a network. Each
contender starts with an empty folder, an empty cache of npm and no settings. Seconds count from the first command;
medians of ${rounds} rounds with Node ${process.versions.node} on ${cores} cores, which other programs used too.

| ${HEAD.join(' | ')} |
|${HEAD.map(() => '---|').join('')}
${tried.map(rowOf).join('\n')}

${tried.map(({ name, how }) => `- **${name}**: ${how}.`).join('\n')}

Downloaded is what npm has cached, with the lists of versions that it reads, and the clone or the tarball. On the disk
is the whole folder after the first run, with its data: offpeak reserves 8 MB there for the day on which the disk is
full. Node itself counts where it is brought along. A clone comes from the local disk here, so its time has no network.
`
}
