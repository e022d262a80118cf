import t from 'tap'
import { cli, place, serve } from './setup.ts'

const config = {
  tasks: {
    photos: { command: ['rsync2', '-a'], max_retries: 3 },
    off: { command: ['rsync2'], enabled: false }
  }
}
const files = {
  'odd.py': '#!/usr/bin/env python9\n# offpeak: schedule = @daily\n',
  'fails.mjs': `export default { id: 'fails', max_retries: 1, backoff: { kind: 'fixed', delay: 1 },
    func: () => { throw new Error('it broke') } }`
}

t.test('validate and doctor warn of enabled tasks whose program or interpreter is missing', async t => {
  const cwd = place(t, config, files)
  const { code, out } = await cli(['validate'], { cwd })
  t.equal(code, 0)
  t.match(out,
    /^warning: .*config\.json:1:\d+ .*The runs of 'photos' will fail: the program rsync2 is not in the PATH$/m)
  t.match(out, /^warning: odd\.py: .*'odd' will fail: the interpreter python9 of .*odd\.py is not in the PATH$/m)
  t.notMatch(out, "'off'")
  t.match((await cli(['doctor'], { cwd })).out, /The runs of 'photos' will fail: the program rsync2 is not in the PATH/)
})

t.test('run --wait prints failed attempts and when the next is due, and ends without a program', async t => {
  const cwd = place(t, config, files)
  await serve(t, [], { cwd })
  t.match(await cli(['run', 'photos', '--wait'], { cwd }), {
    code: 1,
    err: '',
    out: /failed after .*: the program rsync2 is not in the PATH\n$/
  })
  const failed = await cli(['run', 'fails', '--wait'], { cwd })
  t.match(failed, { code: 1, out: /: it broke/ })
  t.match(failed.err, /^attempt 1 of 2 failed: it broke; again in .*$/m)
  t.notMatch(failed.err, 'attempt 2')
})
