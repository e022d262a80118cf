import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { scratch } from '../work/harness.ts'
import { cli, place, serve } from './setup.ts'

t.test('in a folder below, start, new and validate use the folder above that has tasks, and say so', async t => {
  const root = place(t)
  const cwd = join(root, 'backgroundtask')
  const message = `offpeak: using the folder ${root}\n`
  t.match(await cli(['validate'], { cwd }), { code: 0, err: message, out: /5 tasks are valid/ })
  t.match(await cli(['new', 'fresh', '--shell'], { cwd }), { code: 0, err: message, out: /^Written: fresh\.sh\n/ })
  t.match(await cli(['test', 'fresh.sh'], { cwd }), { code: 0 })
  t.match(await cli(['start', '--display-only'], { cwd }), { code: 0, out: /^fresh /m })
  const { url, output } = await serve(t, [], { cwd })
  t.match(output.err, message)
  t.match(await (await fetch(`${url}/api/tasks/fresh`)).json(), { id: 'fresh' })
  t.notOk(existsSync(join(cwd, 'data')))
  t.ok(existsSync(join(root, 'data', 'server.json')))
})

t.test('a folder with tasks of its own, and one that is named, come before a folder above', async t => {
  const root = place(t)
  const cwd = join(root, 'inner')
  mkdirSync(join(cwd, 'backgroundtask'), { recursive: true })
  t.match(await cli(['validate'], { cwd }), { code: 0, err: '', out: /0 tasks are valid/ })
  const named = join(place(t, {}, {}), 'config.json')
  t.match(await cli(['validate', '--config', named], { cwd: join(root, 'backgroundtask') }), {
    code: 0,
    err: '',
    out: /0 tasks are valid/
  })
})

t.test('outside of any folder of tasks nothing is started or written', async t => {
  const cwd = scratch(t)
  const node = ['--import',
    'data:text/javascript,for (const name in process.env) /__/.test(name)&&delete process.env[name]']
  for (const words of [['start'], ['new', 'x'], ['eject', 'heartbeat'], ['start', '--display-only']]) {
    t.match(await cli(words, { cwd, node }), {
      code: 2,
      err: /has neither a config\.json nor a folder backgroundtask, and no folder above.*\n {2}Make .*`offpeak init`/
    }, words.join(' '))
  }
  t.match(await cli(['validate'], { cwd, node }), { code: 1, out: /has neither a config\.json.*\n {2}Make .*init/ })
  t.strictSame(readdirSync(cwd), [])
  t.match(await cli(['import', 'crontab', '-', '--print'], { cwd, node, input: '0 3 * * * ls\n' }), { code: 0 })
})
