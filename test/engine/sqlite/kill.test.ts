import { times } from '../../depth.ts'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import type { Engine } from '../../../core/engine/engine.ts'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import type { FullRun } from '../../../core/model/run/run.ts'
import { folderOf, gone, killedTraffic, livingTraffic } from '../process.ts'

// All tests together take longer than the default limit.
t.setTimeout(110_000)

const KILLS = times(100)
const WALL_MS = 40_000

/** The contradictions between a run and its attempts. */
function faultsOf (run: FullRun): string[] {
  const outcomes = run.attempts.map(({ outcome }) => outcome)
  const count = (word: string) => outcomes.filter(outcome => outcome === word).length
  const running = run.state === 'running' ? 1 : 0
  const checks: [string, boolean][] = [
    ['turns have no gap',
      run.attempts.every(({ turn }, index) => turn === index + 1) && run.turn === outcomes.length + running],
    ['crashes are counted separately', run.crashes === count('crashed')],
    ['attempts are charged once', run.attempt === count('failed') + count('completed') + running],
    ['an end is written once', count('completed') <= 1]
  ]
  return checks.filter(([, holds]) => !holds).map(([words]) =>
    `${run.id}: ${words} (${outcomes.join()}; attempt ${run.attempt}, turn ${run.turn}, ${run.state})`
  )
}

async function opened (t: Test, folder: string): Promise<Engine> {
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  t.teardown(() => engine.stop())
  await engine.start()
  return engine
}

/** Kills a process under traffic again and again. Returns what its processes acknowledged. */
async function killAgain (folder: string) {
  const added = new Set<string>()
  const settled = new Map<string, string>()
  const stale: string[] = []
  let kills = 0
  for (const end = performance.now() + WALL_MS; kills < KILLS && performance.now() < end; kills++) {
    for (const line of await killedTraffic({ folder, lines: 2 + (kills * 131) % 300 })) {
      const [word, id, turn, state] = line.split(' ')
      if (word === 'added') added.add(id!)
      if (word === 'settled') settled.set(`${id} ${turn}`, state!)
      if (state === 'stale') stale.push(line)
    }
  }
  return { added, settled, stale, kills }
}

/** The file is intact, and its counts agree with its runs. */
function checkDatabase (t: Test, folder: string): void {
  const db = new DatabaseSync(join(folder, 'offpeak.db'))
  t.match(db.prepare('pragma integrity_check').get(), { integrity_check: 'ok' })
  const counted = db.prepare(
    `select sum(completed) as completed, sum(failed) as failed, sum(cancelled) as cancelled, sum(skipped) as skipped
      from lane`
  ).get()
  t.match(counted, db.prepare(`
    select sum(state = 3) as completed, sum(state = 4) as failed, sum(state = 5) as cancelled, sum(state = 6) as skipped
    from run`)
    .get()!, 'the counts agree with the runs')
  db.close()
}

t.test('repeated kills under traffic lose nothing that was acknowledged [F01]', { timeout: 240_000 }, async t => {
  const folder = folderOf(t)
  const { added, settled, stale, kills } = await killAgain(folder)
  const engine = await opened(t, folder)
  const faults: string[] = []
  for (const id of added) {
    const run = await engine.get(id)
    if (run) faults.push(...faultsOf(run))
    else faults.push(`${id}: was acknowledged and is missing`)
  }
  for (const [lease, state] of settled) {
    const [id, turn] = lease.split(' ')
    const attempt = (await engine.get(id!))?.attempts.find(past => past.turn === Number(turn))
    if (!attempt || attempt.outcome === 'crashed') faults.push(`${lease}: was settled as ${state} and is not`)
  }
  t.comment(`${kills} kills, ${added.size} runs, ${settled.size} settled`)
  t.same(faults, [])
  t.same(stale, [], 'no live lease was lost')
  await engine.stop()
  checkDatabase(t, folder)
})

t.test('a second process is refused with the name of the first, and starts when the first is killed [F09]', async t => {
  const folder = folderOf(t)
  const first = await livingTraffic(t, folder)
  const engine = createSqliteEngine({ folder, ballastBytes: 4096 })
  t.teardown(() => engine.stop())
  await t.rejects(engine.start(), { code: 'OFFPEAK_ENGINE_BUSY', message: new RegExp(`process ${first.pid} on `) })
  t.equal(first.exitCode, null, 'the first one continues')
  first.kill('SIGKILL')
  await gone(first)
  await engine.start()
  t.match(await engine.health(0), { ok: true })
})
