import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { cli } from '../cli/setup.ts'
import { ROOT, outputOf } from './packed.ts'
import { scratch } from '../work/harness.ts'

/** A folder of a user below an app in which the package is installed. */
export async function ownFolder (t: Test, app: string, bin: string): Promise<void> {
  // At the port that init writes, another server of this machine may answer.
  const ask = (cwd: string, ...words: string[]) => cli(words, { cwd, bin, env: { OFFPEAK_PORT: '1' } })
  t.match(await ask(app, 'init', 'own'), { code: 0, err: '' })
  const own = join(app, 'own')
  t.match(await ask(own, 'enable', 'check_system'), { code: 0 })
  t.match(await ask(own, 'validate'), { code: 0, out: /and 3 tasks are valid/ })
  for (const id of ['heartbeat', 'backup_data', 'disk_report']) {
    t.match(await ask(own, 'eject', id), { code: 0, err: '', out: /^Written: backgroundtask\// }, id)
  }
  t.match(await ask(own, 'test', 'backgroundtask/heartbeat.ts'), { code: 0, out: /"uptime"/ })
  t.match(await ask(own, 'test', 'backgroundtask/backup_data.ts'), {
    code: 4,
    out: /tasks\.backup_data\.payload\.source/
  })
  t.match(await ask(own, 'test', 'backgroundtask/disk_report.sh'), { code: 0, out: /"fullest"/ })
  t.notMatch(readFileSync(join(own, 'backgroundtask/heartbeat.ts'), 'utf8'), /'typebox'/)
  // What `npm install` brings beside offpeak, which lies above.
  mkdirSync(join(own, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(own, 'node_modules/@types/node'))
  const checked = outputOf(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', own], own)
  t.equal(await checked.catch(({ stdout }: { stdout: string }) => stdout), '')
}

/** A folder of a user beside which nothing is installed. */
export async function bareFolder (t: Test, bin: string): Promise<void> {
  const cwd = scratch(t)
  t.match(await cli(['init'], { cwd, bin }), { code: 0 })
  t.match(await cli(['eject', 'heartbeat'], { cwd, bin }), { code: 0 })
  t.match(await cli(['test', 'backgroundtask/heartbeat.ts'], { cwd, bin }), { code: 0, out: /"uptime"/ })
  writeFileSync(join(cwd, 'backgroundtask/apart.ts'), `
    import { VERSION } from 'offpeak'
    const func = () => VERSION
    export default [{ id: 'thread', isolation: 'thread', func }, { id: 'process', isolation: 'process', func }]
  `)
  for (const id of ['thread', 'process']) {
    t.match(await cli(['test', 'backgroundtask/apart.ts', '--task', id], { cwd, bin }), {
      code: 0,
      out: /"\d+\.\d+/
    })
  }
}
