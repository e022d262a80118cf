import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from './setup.ts'

t.test('queues, flows and dead runs are shown and changed', async t => {
  const cwd = place(t, { server: { port: 0 }, queues: { default: { max_length: 5 } } })
  await serve(t, [], { cwd })
  const say = async (...args: string[]) => await cli(args, { cwd })
  t.match((await say('queues')).out, /^default +0 of 5 +0 /m)
  writeFileSync(join(cwd, 'flow.json'),
    JSON.stringify([{ task: 'echo', ref: 'first', payload: 1 }, { task: 'echo', after: ['#first'] }]))
  t.match((await say('flow', 'flow.json')).out, /first +echo[^]*- +echo +blocked/)
  writeFileSync(join(cwd, 'circle.json'), JSON.stringify([{ task: 'echo', ref: 'a', after: ['#a'] }]))
  t.match(await say('flow', 'circle.json'), { code: 1, err: /#a → #a/ })
  const { id } = JSON.parse((await say('run', 'echo', '--delay', '1h', '--json')).out)
  t.match((await say('edit', id, '--priority', 'high')).out, /high/)
  t.match(await say('edit', id), { code: 2, err: /--priority/ })
  t.equal((await say('promote', id)).code, 0)
  await say('run', 'fails', '--wait')
  t.match((await say('dead')).out, /^fails +1 .*it broke/m)
  t.match((await say('replay', '--all', '--dry-run')).out, /^1 run would be queued again/)
  t.match(await say('replay'), { code: 2, err: /--all/ })
  t.match((await say('discard', '--task', 'fails', '--reason', 'a test')).out, /^1 run is discarded/)
  t.match((await say('dead')).out, /No run has failed/)
})
