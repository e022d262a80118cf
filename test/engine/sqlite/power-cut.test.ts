import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { createSqliteEngine } from '../../../core/engine/sqlite/keeper.ts'
import { T0, addOne, ask, claimAll } from '../contract/fixtures.ts'
import { broken } from '../../recount.ts'
import { cutEnvironment, cutPower, powercutLibrary } from '../../powercut.ts'
import { folderOf, killedTraffic } from '../process.ts'
import { smallDisk } from '../../small-disk.ts'

t.setTimeout(240_000)

const KILOBYTE = 1024

const small = smallDisk(t, '4m')
const noDisk = small === null && 'a small disk cannot be mounted here'
t.test('on a full disk writes are refused, reads work, and no restart is needed [F46]', { skip: noDisk }, async t => {
  const disk = small!
  writeFileSync(join(disk, 'filler'), Buffer.alloc(1024 * KILOBYTE, 1))
  const folder = join(disk, 'data')
  const engine = createSqliteEngine({ folder, ballastBytes: 256 * KILOBYTE })
  await engine.start()
  t.ok(existsSync(join(folder, 'ballast')))
  const added: string[] = []
  const fill = async () => {
    for (;;) {
      added.push(
        (await engine.add(Array.from({ length: 10 }, () => ask({ payload: 'x'.repeat(4000) })), T0))[9]!.run.id
      )
    }
  }
  await t.rejects(fill(), { code: 'OFFPEAK_ENGINE_FAILED', statusCode: 507 })
  t.notOk(existsSync(join(folder, 'ballast')), 'the ballast was released first')
  t.match(await engine.get(added.at(-1)!), { state: 'queued', payload: /xxx/ })
  t.match(await engine.count(), [{ states: { queued: added.length * 10 } }])
  t.match(await engine.health(T0), { ok: false, reason: /disk is full/ })
  rmSync(join(disk, 'filler'))
  await addOne(engine)
  t.equal((await claimAll(engine, { limit: 1 })).length, 1)
  t.match(await engine.health(T0), { ok: true })
  await engine.stop()
})

/** Cuts the power under traffic. Returns the numbers of acknowledged and of lost runs. */
async function cut (t: Test, library: string, synchronous: 'full' | 'normal', lines: number) {
  const root = folderOf(t)
  const [folder, synced, after] = ['data', 'synced', 'after'].map(name => join(root, name)) as [string, string, string]
  mkdirSync(folder)
  const printed = await killedTraffic({ folder, lines, synchronous, env: cutEnvironment({ library, folder, synced }) })
  cutPower({ folder, synced, after })
  if (synchronous === 'full') t.same(broken(after), [])
  const engine = createSqliteEngine({ folder: after, ballastBytes: 0 })
  await engine.start()
  const acknowledged = printed.filter(line => line.startsWith('added')).map(line => line.split(' ')[1]!)
  const settled = printed.filter(line => line.startsWith('settled')).map(line => line.split(' '))
  const runs = await Promise.all(acknowledged.map(id => engine.get(id)))
  const past = await Promise.all(
    settled.map(async ([, id, turn]) =>
      (await engine.get(id!))?.attempts.some(attempt => attempt.turn === Number(turn))
    )
  )
  await engine.stop()
  return {
    acknowledged: acknowledged.length,
    lost: runs.filter(run => !run).length,
    unsettled: past.filter(there => !there).length
  }
}

const library = powercutLibrary(folderOf(t))
const noCompiler = library === null && 'there is no C compiler here'
t.test('a power cut loses nothing that was acknowledged [F06]', { timeout: 240_000, skip: noCompiler }, async t => {
  for (const lines of [40, 300, 1500]) {
    const { acknowledged, lost, unsettled } = await cut(t, library!, 'full', lines)
    t.comment(`${acknowledged} acknowledged`)
    t.same({ lost, unsettled }, { lost: 0, unsettled: 0 })
  }
  const traded = await cut(t, library!, 'normal', 300).catch(() => ({ lost: Infinity }))
  t.ok(traded.lost > 0, 'with weaker syncs it does, so the model can detect losses')
})
