import t from 'tap'
import { taskFile } from '../manager/home.ts'
import { CONFIG, standing } from './standing.ts'
import { served } from './server.ts'
import { until } from '../clock.ts'

const GREETING = { 'greet.ts': taskFile('greet', 'while (true) ;', { run_on_start: true, max_retries: 0 }) }

t.test(
  'a run_on_start begins after the server answers, so that health can name a blocked loop [F24]',
  { timeout: 240_000 },
  async t => {
    const it = await served(t, { files: GREETING, config: CONFIG })
    t.match(it.url, /^http:/, 'it logs its URL')
    await until('health names it', async () => (await standing(it))?.loop.standing?.runs[0]?.task === 'greet')
    it.child.kill('SIGTERM')
    t.strictSame(await it.exit, [null, 'SIGKILL'])
  }
)
