import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../load/until.ts'
import { serve } from './setup.ts'

t.test('--demo runs the built-in tasks in a temporary folder and removes it', async t => {
  const cwd = t.testdir({ temp: {} })
  const { said, child, over } = await serve(t, ['--demo', '--port', '0'], { cwd, env: { TMPDIR: join(cwd, 'temp') } })
  const done = (task: string) => said.out.includes(`"task":"${task}","state":"completed"`)
  await until(() => ['heartbeat', 'check_website_status', 'backup_data', 'cleanup_old_files'].every(done))
  const [folder] = readdirSync(join(cwd, 'temp')).filter(name => name.startsWith('offpeak-demo-'))
  const demo = join(cwd, 'temp', folder!)
  t.ok(readdirSync(join(demo, 'backups')).some(name => name.endsWith('.tar.zst')))
  t.same(readdirSync(join(demo, 'downloads')).toSorted(), ['file-1-days-old.txt', 'file-2-days-old.txt',
    'file-3-days-old.txt'])
  child.kill('SIGTERM')
  t.equal(await over, 0)
  t.notOk(existsSync(demo))
  t.same(readdirSync(cwd), ['temp'])
})
