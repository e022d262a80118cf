import t from 'tap'
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from '../setup.ts'

t.test('the data folder is copied while a server writes to it, and a server starts with the copy', async t => {
  const cwd = place(t)
  const { child, over } = await serve(t, [], { cwd })
  const id = (await cli(['run', 'echo', '--wait', '--json'], { cwd })).out
  t.match(await cli(['backup', 'copies/one'], { cwd }), {
    code: 0,
    out: /^data is copied to copies\/one\. Start with it/
  })
  const names = readdirSync(join(cwd, 'copies', 'one'))
  t.ok(names.includes('offpeak.db'))
  t.ok(names.includes('token'))
  t.notOk(names.some(name => /^lock|^server\.json|-wal$/.test(name)), 'nothing that belongs to the running server')
  t.equal(statSync(join(cwd, 'copies', 'one')).mode & 0o077, 0)
  t.equal(readFileSync(join(cwd, 'copies', 'one', 'token'), 'utf8'), readFileSync(join(cwd, 'data', 'token'), 'utf8'))
  t.match(await cli(['backup', 'copies/one'], { cwd }), { code: 2, err: /exists already/ })
  t.match(await cli(['backup', 'data/inside'], { cwd }), { code: 2, err: /is in the data folder/ })
  t.strictSame(readdirSync(join(cwd, 'copies')), ['one'])
  child.kill('SIGTERM')
  await over
  await serve(t, ['--data', 'copies/one'], { cwd })
  const { out } = await cli(['runs', '--json', '--data', 'copies/one'], { cwd })
  t.match(out, (JSON.parse(id) as { id: string }).id)
})

t.test('without a database nothing is copied', async t => {
  const cwd = place(t)
  t.match(await cli(['backup', 'copy'], { cwd }), { code: 2, err: /There is no database/ })
  t.notOk(existsSync(join(cwd, 'copy')))
})
