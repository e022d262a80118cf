import t from 'tap'
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { cutEnvironment, cutPower, powercutLibrary } from '../powercut.ts'
import { scratch } from '../work/harness.ts'
import { served } from './server.ts'
import { taskFile } from '../manager/home.ts'
import type { Owner } from '../work/harness.ts'

const library = powercutLibrary(scratch(t))
const skip = library === null && 'needs a C compiler'

/** A server whose power can be cut. `kept` returns the synced content of a file, or null. */
async function powered (t: Owner) {
  const root = scratch(t)
  const [folder, synced, after] = ['data', 'synced', 'after'].map(name => join(root, name)) as [string, string, string]
  const it = await served(t, {
    root,
    files: { 'echo.ts': taskFile('echo') },
    env: cutEnvironment({ library: library!, folder: root, synced })
  })
  const kept = (name: string) => existsSync(join(synced, name)) ? readFileSync(join(synced, name), 'utf8') : null
  const token = readFileSync(join(folder, 'token'), 'utf8').trim()
  const cut = async () => {
    it.child.kill('SIGKILL')
    await it.exit
    mkdirSync(after)
    cutPower({ folder, synced, after })
    const engine = createSqliteEngine({ folder: after, ballastBytes: 0 })
    await engine.start()
    t.teardown(() => engine.stop())
    return engine
  }
  return { ...it, kept, token, cut, synced }
}

t.test(
  'acknowledged signals, uploads, pauses, schedules, edits, records and the token survive a power cut [F06]',
  { timeout: 240_000, skip },
  async t => {
    const { url, call, kept, token, cut, synced } = await powered(t)
    t.equal(kept('token')?.trim(), token)
    t.equal((await call('PUT', '/api/signals/price', { value: 3, ttl: '1h' })).status, 200)
    t.match(JSON.parse(kept('signals.json') ?? '{}'), { price: { value: 3 } })
    await call('PUT', '/api/signals/solar', { value: true, ttl: '1h' })
    await fetch(`${url}/api/signals/price`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } })
    t.strictSame(Object.keys(JSON.parse(kept('signals.json') ?? '{}')), ['solar'])
    t.equal((await call('PATCH', '/api/tasks/echo', { enabled: false })).status, 200)
    t.match(JSON.parse(kept('config.json') ?? '{}'), { tasks: { echo: { enabled: false } } })
    await call('PATCH', '/api/tasks/echo', { enabled: true })
    const sent = await fetch(`${url}/api/files?name=photo.jpg`, {
      method: 'POST',
      body: 'a photo',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' }
    })
    t.equal(sent.status, 201)
    const photo = readdirSync(synced).find(name => name.endsWith('photo.jpg'))
    t.equal(photo && kept(photo), 'a photo')
    t.equal((await call('POST', '/api/pauses', { scope: 'queue', name: 'default' })).status, 201)
    const { body } = await call('POST', '/api/schedules', {
      task: 'echo',
      trigger: 'interval',
      trigger_args: { hours: 5 }
    })
    const engine = await cut()
    t.match((await engine.kept({ prefix: 'pause/' })).map(({ name }) => name), ['pause/queue/default'])
    t.ok((await engine.schedules()).some(({ id }) => id === (body as { id: string }).id))
    const actions = (await engine.records({ limit: 20 })).map(({ action }) => action)
    t.same(actions.filter(action => ['pause', 'schedule', 'disable', 'enable'].includes(action)), ['schedule', 'pause',
      'enable', 'disable'])
  }
)
