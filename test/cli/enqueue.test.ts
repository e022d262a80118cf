import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { enqueueBody } from '../../core/cli/input/enqueue-options.ts'
import { cli, place, serve } from './setup.ts'

t.setTimeout(240_000)

const cwd = place(t)
await serve(t, [], { cwd })
const say = async (args: string[], input?: string) => await cli(args, { cwd, ...input !== undefined && { input } })
const json = async (...args: string[]) => JSON.parse((await say([...args, '--json'])).out)
const put = (name: string, text: string) => writeFileSync(join(cwd, name), text)
const waiting = async () =>
  (await json('runs', '--task', 'echo', '--state', 'queued', '--limit', '200')).items.length as number

t.test('options become the body of the request', async t => {
  t.same(await enqueueBody({}), {})
  t.same(
    await enqueueBody({
      payload: '{"a": 1}',
      priority: 'high',
      delay: '90',
      key: 'k',
      unique: 'queued',
      onConflict: 'replace',
      after: ['1', '2:failed']
    }),
    {
      payload: { a: 1 },
      priority: 'high',
      delay: 90,
      key: 'k',
      unique: { while: 'queued', on_conflict: 'replace' },
      after: [{ run: '1' }, { run: '2', condition: 'failed' }]
    }
  )
  t.same(await enqueueBody({ key: 'k', unique: '1h' }), { key: 'k', unique: { for: '1h' } })
  t.same(await enqueueBody({ key: 'k', onConflict: 'keep_last', due: '2030-01-01T00:00:00.000Z' }), {
    key: 'k',
    unique: { on_conflict: 'keep_last' },
    due_at: '2030-01-01T00:00:00.000Z'
  })
  await t.rejects(enqueueBody({ unique: 'queued' }), { code: 'OFFPEAK_USAGE_INVALID', message: /--key/ })
  await t.rejects(enqueueBody({ after: ['1:soon'] }), {
    code: 'OFFPEAK_USAGE_INVALID',
    message: /completed, done, failed/
  })
})

t.test('a key is unique for as long as requested', async t => {
  const once = async (payload: string, ...more: string[]) =>
    (await json('enqueue', 'echo', '--key', 'inbox', '--delay', '1h', '--payload', payload, ...more)).id as string
  const first = await once('1', '--unique', 'queued')
  t.equal(await once('2', '--unique', 'queued', '--on-conflict', 'replace'), first)
  t.equal((await json('show', first)).payload, 2)
  t.equal(await once('3', '--unique', 'queued'), first)
  t.equal((await json('show', first)).payload, 2)
  t.match(await say(['enqueue', 'echo', '--key', 'k', '--unique', 'for ever']), {
    code: 1,
    err: /unique\/for found 'for ever', expected seconds as a number/
  })
  t.match(await say(['enqueue', 'echo', '--key', 'k', '--on-conflict', 'explode']), {
    code: 2,
    err: /return, replace, reschedule, keep_last/
  })
  const second = (await json('enqueue', 'echo', '--after', `${first}:failed`, '--after', first)).id
  t.match((await say(['show', second])).out,
    new RegExp(`state +blocked\n[^]*after +${first}, failed: it is queued; ${first}, completed`))
  t.match(await json('run', 'echo', '--key', 'inbox', '--unique', 'queued'), { id: first }, 'run takes the same words')
  t.equal((await say(['cancel', first])).code, 0)
})

t.test('--bulk reads lines, a list or standard input; other options are defaults', async t => {
  put('runs.jsonl', '{"task":"echo","payload":1}\n\n{"payload":2,"delay":7200}\n')
  t.match(await say(['enqueue', 'echo', '--bulk', 'runs.jsonl', '--delay', '1h', '--priority', 'high']), {
    code: 0,
    out: '2 runs are added\n'
  })
  const { items } = await json('runs', '--task', 'echo', '--state', 'queued')
  t.match(items, [{ priority: 'high' }, { priority: 'high' }])
  t.equal(Math.round((Date.parse(items[0].due_at) - Date.parse(items[1].due_at)) / 1000), 3600)
  put('own.jsonl', '{"task":"echo","due_at":"2099-01-01T00:00:00Z"}\n')
  t.equal((await say(['enqueue', '--bulk', 'own.jsonl', '--delay', '1h'])).code, 0)
  t.match((await json('runs', '--limit', '1')).items, [{ due_at: '2099-01-01T00:00:00.000Z' }])
  put('runs.json', '[{"task":"echo","delay":3600},{"task":"echo","delay":3600,"key":"x"}]')
  t.match(await json('enqueue', '--bulk', 'runs.json'), { added: 2, runs: [{ created: true }, { created: true }] })
  t.match(
    await say(['enqueue', '--bulk', '-'], '{"task":"echo","delay":3600,"key":"x"}\n{"task":"echo","delay":3600}'),
    { code: 0, out: '1 run is added; 1 already existed\n' }
  )
})

t.test('a waiting run is edited and promoted', async t => {
  const { id } = await json('enqueue', 'echo', '--due', '2030-01-01T00:00:00Z')
  t.match(await json('edit', id, '--priority', 'low', '--payload', '[7]', '--due', '2031-01-01T00:00Z'), {
    priority: 'low',
    due_at: '2031-01-01T00:00:00.000Z'
  })
  t.same((await json('show', id)).payload, [7])
  t.equal((await say(['promote', id])).code, 0)
  await say(['enqueue', 'echo', '--after', id])
  t.match(await say(['edit', 'nope', '--priority', 'low']), { code: 2, err: /No run has the id 'nope'/ })
})

t.test('an error in a file is reported with its place, and nothing is added', async t => {
  const before = await waiting()
  put('wrong.jsonl', '{"task":"echo"}\n\n{"task":"nope"}\n')
  t.match(await say(['enqueue', '--bulk', 'wrong.jsonl']), {
    code: 1,
    err: "offpeak: wrong.jsonl:3 /task No task has the id 'nope'; nothing was added\n"
  })
  put('two.jsonl', '{"task":"echo"}\n{"payload":1}\n{"task":"echo","delay":true}\n')
  t.match(await say(['enqueue', '--bulk', 'two.jsonl']), {
    code: 1,
    err: /^offpeak: 2 errors; nothing was added\n {2}two\.jsonl:2 .*'task' is missing\n {2}two\.jsonl:3 \/delay /
  })
  put('both.jsonl', '{"task":"echo"}\n{"task":"echo","delay":60,"due_at":"2099-01-01T00:00:00Z"}\n')
  t.match(await say(['enqueue', '--bulk', 'both.jsonl']), {
    code: 1,
    err: new RegExp(
      "2 errors; nothing was added\n {2}both\\.jsonl:2 /delay cannot be combined with 'due_at'.*\n" +
        ' {2}both\\.jsonl:2 /due_at '
    )
  })
  put('bad.jsonl', '{"task":"echo"}\n{"task":"echo"\n')
  t.match(await say(['enqueue', '--bulk', 'bad.jsonl']), {
    code: 2,
    err: /^offpeak: bad\.jsonl:2:15 is not JSON: Expected/
  })
  put('list.jsonl', '{"task":"echo"}\n7\n')
  t.match(await say(['enqueue', '--bulk', 'list.jsonl']), { code: 2, err: /^offpeak: list\.jsonl:2 is not a run/ })
  put('many.jsonl', '{"task":"echo"}\n'.repeat(10_001))
  t.match(await say(['enqueue', '--bulk', 'many.jsonl']), {
    code: 1,
    err: /the 10001 runs: .*1 to 10000 items; nothing was added/
  })
  const wrong = ['enqueue', 'enqueue --bulk nowhere.jsonl', 'enqueue echo --unique queued',
    'enqueue echo --delay 1h --due 2030-01-01T00:00Z'].map(line => line.split(' '))
  t.same((await Promise.all(wrong.map(words => say(words)))).map(({ code }) => code), [2, 2, 2, 2])
  t.equal((await say(['enqueue', '--bulk', '-'], '\n')).code, 2)
  t.equal(await waiting(), before)
})

t.test('an invalid payload is refused', async t => {
  put('p.json', '{\n  "a": 1,\n  b\n}')
  put('big.json', JSON.stringify('x'.repeat(10 * 2 ** 20)))
  t.match(await say(['run', 'echo', '--payload', '{"a": tru}']), {
    code: 2,
    err: /^offpeak: --payload is not JSON: line 1, column 10: Unexpected token '}'\n {2}Quote it/
  })
  t.match(await say(['run', 'echo', '--payload', '@p.json']), { code: 2, err: /^offpeak: p\.json:3:3 is not JSON: / })
  t.match(await say(['run', 'echo', '--payload', '-'], '{'), {
    code: 2,
    err: /standard input is not JSON: line 1, column 2/
  })
  t.match(await say(['run', 'echo', '--payload', '@nowhere.json']), {
    code: 2,
    err: 'offpeak: There is no file nowhere.json\n'
  })
  t.match(await say(['flow', 'p.json']), { code: 2, err: /^offpeak: p\.json:3:3 is not JSON: / })
  t.match(await say(['run', 'echo', '--payload', '@big.json']), {
    code: 2,
    err: /10485762 bytes: expected at most 262144\n.*--file/
  })
  put('big.jsonl', `{"task":"echo","payload":${JSON.stringify('x'.repeat(10 * 2 ** 20))}}\n`)
  t.match(await say(['enqueue', '--bulk', 'big.jsonl']), {
    code: 1,
    err: /big\.jsonl:1 \/payload is at least 10485762 bytes of JSON, and at most 262144 may be kept/
  })
  put('huge.jsonl', `{"task":"echo","payload":${JSON.stringify('x'.repeat(2 ** 20))}}\n`.repeat(33))
  t.match(await say(['enqueue', '--bulk', 'huge.jsonl']), {
    code: 1,
    err: /^offpeak: the 33 runs are too large for one request; nothing was added\n.*split -l/
  })
  t.match(await say(['run', 'echo', '--payload', '{"__proto__": {"x": 1}}']), {
    code: 1,
    err: /key that changes prototypes: __proto__/
  })
  t.match(await say(['enqueue', 'echo', '--bulk', '-'], '{"payload":{"a":{"__proto__":1}}}'), {
    code: 1,
    err: /__proto__/
  })
})

t.test('queues shows one by name, and an error for an unknown one', async t => {
  t.match((await say(['queues', 'default'])).out, /^QUEUE .*\ndefault +\d+ +\d+ .*\n$/)
  t.match(await say(['queues', 'nope']), {
    code: 2,
    err: "offpeak: No queue has the name 'nope'\n  The only queue is default.\n"
  })
  t.match(await say(['pause', 'queue:nope']), { code: 1, err: /no task has that queue; existing: default/ })
})

t.test('pause --drain waits until no run is running', async t => {
  const { id } = await json('run', 'stays')
  const draining = say(['pause', 'task:stays', '--drain'])
  for (let paused = 0; paused === 0;) paused = (await json('pauses')).length
  t.equal((await json('show', id)).state, 'running')
  await say(['cancel', id])
  t.match(await draining, {
    code: 0,
    out: /^task:stays is paused until it is resumed; no run is running\n/,
    err: '1 run to go\n'
  })
  const ends = await Promise.all(['all', 'queue:default'].map(what => say(['pause', what, '--drain'])))
  t.same(ends.map(({ code }) => code), [0, 0])
})
