import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CALM } from '../calm.ts'
import { createManager } from '../../core/manager.ts'
import { isSettled } from '../settled.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../clock.ts'
import type { ManagerOptions } from '../../core/manager.ts'
import type { Notice, NoticeKind } from '../../core/model/notice.ts'
import type { Owner } from '../work/harness.ts'
import type { State } from '../../core/model/run/run.ts'

/** A folder with a configuration and task files, and a manager on it that the test stops. */
export async function home (
  t: Owner,
  { files = {}, config = {}, ...options }: { files?: Record<string, string>, config?: object } & Omit<ManagerOptions,
    'config' | 'files'> = {}
) {
  const root = options.root ?? scratch(t)
  const configFile = join(root, 'config.json')
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
    if (text.startsWith('#!')) chmodSync(join(root, name), 0o755)
  }
  write('config.json', JSON.stringify(config, null, 2))
  mkdirSync(join(root, 'backgroundtask'), { recursive: true })
  for (const [name, text] of Object.entries(files)) write(`backgroundtask/${name}`, text)
  const notices: Notice[] = []
  const manager = await createManager({
    configFile,
    env: CALM,
    abortGraceMs: 50,
    onNotice: notice => void notices.push(notice),
    ...options
  })
  t.teardown(() => manager.stop())
  const noticesOf = (kind: NoticeKind) => notices.filter(notice => notice.kind === kind)
  const reach = (id: string, state: State) =>
    until(`run ${id} is ${state}`, async () =>
      (await manager.engine.get(id))?.state === state && (state === 'running' || isSettled(notices, id)))
  return { root, configFile, write, manager, notices, noticesOf, reach }
}

/** The text of a task file with one task, whose function has the given body. */
export const taskFile = (id: string, body = 'return 1', fields: object = {}) =>
  `export const TASK_DEFINITIONS = [{ ...${JSON.stringify({ id, ...fields })}, func: async ctx => { ${body} } }]\n`
