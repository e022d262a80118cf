import type { Ask, Contender } from '../contest.ts'
import type { Queue, QueueKind } from './queue.ts'
import type { Row } from '../row.ts'
import { bullmq } from './bullmq.ts'
import { graphile } from './graphile.ts'
import { lacking, load } from './packages.ts'
import { offpeak } from './offpeak.ts'
import { pgBoss } from './pgboss.ts'
import { plainjob } from './plainjob.ts'
import { platformatic } from './platformatic.ts'
import { withFolder } from '../place.ts'

const KINDS: readonly QueueKind[] = [offpeak, plainjob, graphile, pgBoss, bullmq, platformatic]

/** Where the runner's servers listen, or why there is none. */
export const SERVERS = { postgres: 'OFFPEAK_BENCH_POSTGRES', redis: 'OFFPEAK_BENCH_REDIS' } as const

interface Client {
  connect(): Promise<void>
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}

async function onPostgres (url: string, sql: string): Promise<void> {
  const { default: pg } = await load<{ default: { Client: new(url: string) => Client } }>('pg')
  const client = new pg.Client(url)
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** A database of its own on the server. It goes with the server: one that is dropped at once takes connections down
 *  that are about to close. */
async function freshDatabase (url: string): Promise<string> {
  const name = `bench_${process.pid}_${Date.now()}`
  await onPostgres(url, `create database ${name}`)
  const own = new URL(url)
  own.pathname = name
  return own.href
}

/** Measures one queue; answers its rows without group, durability and note. */
export type Measure = (queue: Queue, kind: QueueKind, ask: Ask) => Promise<Omit<Row, 'group'>[]>

async function opened (
  kind: QueueKind,
  postgres: string | null,
  work: (queue: Queue) => Promise<Omit<Row, 'group'>[]>
) {
  return await withFolder(async folder => {
    const queue = await kind.open({ folder, postgres, redis: process.env[SERVERS.redis] ?? null })
    try {
      return await work(queue)
    } finally {
      await queue.stop()
    }
  })
}

function whyNot ({ packages, needs }: QueueKind): string | null {
  const missing = lacking(packages)
  if (missing !== null || needs === undefined) return missing
  const server = process.env[SERVERS[needs]]
  return server?.includes('://') ? null : server ?? `no ${needs}: the runner starts it`
}

function contender (group: string, kind: QueueKind, measure: Measure): Contender {
  const run = async (ask: Ask): Promise<Row[]> => {
    const reason = whyNot(kind)
    if (reason !== null) return [{ group, name: kind.name, unit: '', value: null, note: `skipped: ${reason}` }]
    const postgres = kind.needs === 'postgres' ? await freshDatabase(process.env[SERVERS.postgres]!) : null
    const rows = await opened(kind, postgres, queue => measure(queue, kind, ask))
    return rows.map(row => ({
      durability: kind.durability,
      ...kind.note === undefined ? {} : { note: kind.note },
      ...row,
      group
    }))
  }
  return { name: kind.name, run, ...kind.packages.length > 0 ? { peer: kind.packages } : {} }
}

/** Every queue as a contender of one group: offpeak, then its peers. */
export const queues = (group: string, measure: Measure): Contender[] =>
  KINDS.map(kind => contender(group, kind, measure))
