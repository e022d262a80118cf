import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli, place, serve } from './setup.ts'

const cwd = place(t)
await serve(t, [], { cwd })
const say = async (...args: string[]) => await cli(args, { cwd })
const json = async (...args: string[]) => JSON.parse((await say(...args, '--json')).out)
const later: string[] = []
for (const n of [1, 2, 3]) later.push((await json('enqueue', 'echo', '--delay', '1h', '--payload', String(n))).id)

t.test('a change without ids or a filter is refused', async t => {
  for (const act of ['cancel', 'retry', 'delete', 'replay', 'discard']) {
    const more = act === 'discard' ? ['--reason', 'a test'] : []
    t.match(await say(act, ...more), {
      code: 2,
      err: /^offpeak: (?:\w+ needs run ids or a filter|no run is named)\n.*--task/
    }, act)
    t.equal((await say(act, '--dry-run', ...more)).code, 2, `${act} --dry-run`)
  }
  t.match(await say('cancel', later[0]!, '--task', 'echo'), { code: 2, err: /run ids or a filter, not both/ })
  for (const act of ['cancel', 'retry', 'delete', 'replay']) {
    t.equal((await say(act, later[0]!, '--dry-run')).code, 2, `${act} ID --dry-run`)
  }
  t.equal((await say('discard', later[0]!, '--dry-run', '--reason', 'a test')).code, 2)
  t.match(await say('cancel', '--state', 'soon'), { code: 2, err: /--state is 'soon': expected one of blocked/ })
  t.equal((await json('runs', '--task', 'echo', '--state', 'queued')).items.length, 3)
})

t.test('runs takes the options of a filter', async t => {
  const count = async (...words: string[]) => (await json('runs', ...words)).items.length
  const all = [['--queue', 'default'], ['--source', 'manual'], ['--from', '2020-01-01T00:00Z'], ['--to',
    '2100-01-01T00:00Z'], ['--state', 'queued,running']]
  t.same(await Promise.all(all.map(words => count(...words))), all.map(() => 3))
  const none = [['--queue', 'nope'], ['--source', 'schedule'], ['--schedule', 'nope'], ['--from', '2100-01-01T00:00Z'],
    ['--to', '2020-01-01T00:00Z'], ['--state', 'running']]
  t.same(await Promise.all(none.map(words => count(...words))), none.map(() => 0))
  t.match(await say('runs', '--source', 'chance'), { code: 2, err: /--source .*manual/ })
  t.match(await say('runs', '--from', 'soon'), { code: 2, err: /--from is 'soon': expected an instant/ })
})

t.test('runs are cancelled by their ids or by a filter', async t => {
  const dry = await say('cancel', '--task', 'echo', '--dry-run')
  t.match(dry, {
    code: 0,
    out: new RegExp(
      `^3 runs would be cancelled\nRUN .*\n${later.toReversed().map(id => `${id} +echo +scheduled.*\n`).join('')}$`
    )
  })
  t.match((await say('cancel', '--task', 'echo', '--limit', '2', '--dry-run')).out,
    /^2 of 3 runs would be cancelled\n(?:.*\n){3}$/)
  t.match(await json('cancel', '--state', 'queued', '--dry-run'), {
    matched: 3,
    changed: 0,
    runs: [{ id: later[2] }, {}, {}]
  })
  t.match(await say('cancel', later[0]!, 'nope', later[1]!), {
    code: 2,
    out: `${later[0]} cancelled\n${later[1]} cancelled\n`,
    err: /No run has the id 'nope'/
  })
  t.match(
    (await say('cancel', '--task', 'echo', '--queue', 'default', '--source', 'manual', '--from', '2020-01-01T00:00Z',
      '--reason', 'enough')).out,
    /^1 run is cancelled\n$/
  )
  t.match(await json('show', later[2]!), { state: 'cancelled', reason: { message: 'enough', by: /^cli:/ } })
  t.match(await say('cancel', '--task', 'nope'), { code: 0, out: '0 runs are cancelled\n' })
})

t.test('runs are retried and deleted by their ids or by a filter', async t => {
  for (const _ of [1, 2]) await say('run', 'fails', '--wait')
  const [{ fingerprint }] = await json('dead')
  t.match((await say('retry', '--fingerprint', fingerprint, '--dry-run')).out,
    /^2 runs would be queued again\n[^]*fails +dead .*it broke/)
  t.match((await say('retry', '--task', 'fails', '--every', '1h')).out, /^2 runs are queued again\n$/)
  t.match((await json('runs', '--task', 'fails', '--state', 'queued')).items, [{ label: 'scheduled' }], 'an hour apart')
  const gone = await say('run', 'echo', '--wait', '--json').then(({ out }) => JSON.parse(out).id as string)
  const waiting = (await json('runs', '--task', 'fails', '--state', 'queued')).items[0].id
  const answer = await say('delete', gone, waiting, 'nope', '--reason', 'a test & more')
  t.match(answer, {
    code: 2,
    out: `${gone} is deleted\n`,
    err: new RegExp(`Run ${waiting} is queued: .*cancel it first[^]*No run has the id 'nope'`)
  })
  t.equal((await say('show', gone)).code, 2)
  t.same(await json('delete', later[0]!), { id: later[0], deleted: true })
  t.match((await say('delete', '--state', 'cancelled', '--dry-run')).out, /^2 runs would be deleted\n/)
  t.match((await say('delete', '--state', 'cancelled', '--reason', 'a test')).out, /^2 runs are deleted\n$/)
  t.equal((await json('runs', '--task', 'echo')).items.length, 0)
  t.match((await say('delete', '--state', 'queued')).out, /^0 runs/, 'what is not over is not deleted')
})

t.test('one, some or all failed runs are replayed', async t => {
  await say('cancel', '--task', 'fails')
  await say('delete', '--task', 'fails')
  const ids: string[] = []
  for (const _ of [1, 2, 3]) ids.push((await json('run', 'fails', '--wait')).id)
  const again = await json('replay', ids[0]!, ids[1]!)
  t.same(again.map(({ id }: { id: string }) => id), [ids[0], ids[1]])
  const done = await json('run', 'echo', '--wait')
  t.match(await say('replay', done.id), {
    code: 1,
    err: new RegExp(
      `Run ${done.id} is completed: it cannot be replayed: only failed runs are\n.*offpeak show ${done.id}`
    )
  })
  t.match(await say('discard', ids[2]!, 'nope', '--reason', 'a test'), {
    code: 2,
    out: `${ids[2]} is discarded\n`,
    err: /'nope'/
  })
  t.equal((await say('show', ids[2]!)).code, 2)
  t.match(await say('replay', '--nope'), { code: 2, err: /^offpeak: unknown option '--nope'\n.*--help/ })
  writeFileSync(join(cwd, 'backgroundtask/more.mjs'), 'export default { id: "other", func: () => 1 }')
  for (let code: number | null = 0; code === 0;) ({ code } = await say('run', 'fails', '--delay', '1h'))
  t.match(await say('replay', ids[0]!), { code: 2, err: /No task has the id 'fails'\n.*offpeak tasks/ })
  t.match(await say('replay', '--task', 'fails'), { code: 2, err: /No task has the id 'fails'/ })
  t.match((await say('replay', '--all', '--dry-run')).out,
    /^0 runs would be queued again; \d unchanged, as their tasks no longer exist\n/)
})
