import { fork } from '../test/child.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SCRIPTS, script } from './scripts.ts'
import { SERVERS } from './peers/queues.ts'
import { install } from './peers/packages.ts'
import { machine, page, table } from './report.ts'
import { postgres, redis } from './peers/servers.ts'
import { summary } from './row.ts'
import type { Ask, Contender } from './contest.ts'
import type { Row } from './row.ts'

/** Ten million rows take a small board a while. */
const MOST_MS = 60 * 60_000

interface Entry {
  name: string
  contender: Contender
  most: number
}

/** Returns a row with the error of a contender that fails; the others continue. */
async function one ({ name, contender }: Entry, ask: Ask): Promise<Row[]> {
  const child = fork(join(import.meta.dirname, 'one.ts'), [name, contender.name, JSON.stringify(ask)], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, TZ: 'UTC' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    timeout: MOST_MS
  })
  let output = ''
  let rows: Row[] | null = null
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    output = `${output}${chunk}`.slice(-4000)
  })
  child.on('message', message => {
    rows = message as Row[]
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('close', () => resolve())
  await promise
  return rows ??
    [{
      group: name,
      name: contender.name,
      unit: '',
      value: null,
      note: `failed: ${reason(output) ?? child.signalCode ?? `exit code ${child.exitCode}`}`
    }]
}

const reason = (output: string) =>
  output.split('\n').find(line => /^(FATAL ERROR|([A-Z]\w*)?(Error|Exception)\b.*):/.test(line.trim()))?.trim()

/** The contenders of the scripts in turn, round after round; every other round goes backwards. */
async function roundsOf (entries: readonly Entry[], count: number, ask: Ask): Promise<Row[][]> {
  const rounds: Row[][] = []
  for (let round = 0; round < count; round++) {
    const rows: Row[] = []
    const due = entries.filter(({ most }) => round < most)
    for (const [place, entry] of (round % 2 === 0 ? due : due.toReversed()).entries()) {
      process.stderr.write(
        `round ${round + 1} of ${count}, ${place + 1} of ${due.length}: ${entry.name}, ${entry.contender.name}\n`
      )
      rows.push(...await one(entry, ask))
    }
    rounds.push(rows)
  }
  return rounds
}

async function entriesOf (names: readonly string[]): Promise<Entry[]> {
  const scripts = await Promise.all(names.map(async name => ({ name, ...await script(name) })))
  return scripts.flatMap(({ name, contenders, rounds = Infinity }) =>
    contenders.map(contender => ({ name, contender, most: rounds }))
  )
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    small: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false }
  }
})
const names = values.only?.split(',') ?? [...SCRIPTS]
const unknown = names.filter(name => !(SCRIPTS as readonly string[]).includes(name))
if (unknown.length > 0 || !(Number(values.rounds) >= 1)) {
  console.error(
    unknown.length > 0
      ? `no script is called ${unknown.join(', ')}: there are ${SCRIPTS.join(', ')}`
      : '--rounds is a number from 1 on'
  )
  process.exit(2)
}

install()
const servers = { postgres: await postgres(), redis: await redis() }
for (const name of ['postgres', 'redis'] as const) process.env[SERVERS[name]] = servers[name].url ?? servers[name].what
try {
  const rounds = await roundsOf(await entriesOf(names), Number(values.rounds), { small: values.small, peers: true })
  const rows = summary(rounds).toSorted((a, b) => names.indexOf(a.group) - names.indexOf(b.group))
  const about = machine({
    rounds: Number(values.rounds),
    servers: Object.values(servers).flatMap(({ url, what }) => url === null ? [] : [what])
  })
  if (values.json) console.log(JSON.stringify({ ...about, rows }, null, 2))
  else console.log(table(rows))
  if (values.write) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), page(rows, about))
} finally {
  await Promise.all(Object.values(servers).map(server => server.stop()))
}
