import { join } from 'node:path'
import { mkdir, writeFile } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { Demo } from './demo.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { ManagerOptions, TaskManager } from '../../manager.ts'
import { OutputCapture } from '../../work/context/output-capture.ts'
import { responds } from '../../load/file/responds.ts'
import { fileCalls } from '../../work/context/file-calls.ts'
import { createLog, noticeLog } from '../../log.ts'
import { createManager } from '../../manager.ts'
import { createServer, serverToken } from '../../server.ts'
import { isTakenOver } from '../../model/notice.ts'
import { isFirstScan } from '../../load/import/import-cache.ts'
import { endProcess } from './end-process.ts'
import { shutDownOnSignals, surviveUncaught } from './shutdown.ts'
import { failureOf } from '../../model/run/failure.ts'
import { findSignalPipe } from '../../work/watch/signal-pipe.ts'
import { updateStandIn } from './stand-in.ts'
import { fixGlobals } from '../../work/context/globals.ts'
import { trimHeap } from './heap-trim.ts'
import { listeningFile, reachable } from '../remote/find-server.ts'
import { rememberLast } from '../remote/known-servers.ts'
import type { Listening } from '../remote/find-server.ts'
import { homeOnly } from '../local/home.ts'
import { managerOptions } from '../remote/options.ts'
import { makeDemo } from './demo.ts'
import { checkDataFolder } from './data-folder.ts'
import { checkPort, listenFailed } from './port.ts'
import { logForm } from './log-form.ts'
import { prepareStory } from './demo-story.ts'
import { terminalLog } from './terminal-log.ts'
import type { TerminalLog } from './terminal-log.ts'
import type { LogForm } from './log-form.ts'
import { welcome } from './welcome.ts'
import { SECOND, milliseconds } from '../../model/base/duration.ts'
import { prepareImporter } from '../../load/import/try-imports.ts'
import { print } from '../terminal/output.ts'
import { pruneCompileCache } from './compile-cache.ts'
import { scheduleTable, withTasks } from '../local/offline.ts'
import { startRefused } from '../../model/errors/config-errors.ts'

/** How long running runs have to stop once another process has taken over the data folder. */
const TAKEN_OVER_GRACE = 3 * SECOND

export type StartOptions = LocalOptions & { demo?: boolean, displayOnly?: boolean, log?: LogForm }

async function listen (app: Awaited<ReturnType<typeof createServer>>, manager: TaskManager): Promise<string> {
  const { host, port } = manager.config.server
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw await listenFailed(error, manager.config.server)
  }
  const { address, port: taken } = app.server.address() as AddressInfo
  const url = `http://${reachable(address)}:${taken}`
  await mkdir(manager.folder, { recursive: true })
  const { file } = await serverToken(manager)
  const listening: Listening = { url, pid: process.pid, token_file: file }
  await writeFile(listeningFile(manager.folder), JSON.stringify(listening), { mode: 0o600 })
  await rememberLast({ config: manager.settings.file ?? join(manager.root, 'config.json'), data: manager.folder, url },
    process.env)
  return url
}

const silent = (what: string) =>
  startRefused({
    message: `${what} does not answer`,
    fix: 'Check its file system: a mount whose server is gone blocks every access.'
  })

/** Waits for the configuration; throws when its file system does not answer. */
async function settled<T> (reading: Promise<T>, file: string): Promise<T> {
  // A fault that comes before the file answers is reported when it is awaited.
  reading.catch(() => undefined)
  if (await responds(file)) return await reading
  throw silent(`The configuration ${file}`)
}

interface Server {
  app: Awaited<ReturnType<typeof createServer>>
  manager: TaskManager
  demo: Demo | null
  form: LogForm
  note: TerminalLog['note']
  listening: boolean
  /** True once a shutdown was requested. */
  ending: boolean
}

/** Ends the server on signals, and when another process takes over the data folder. */
function endOnRequest (server: Server, failed: (error: unknown) => void): void {
  const { app, manager, demo } = server
  const end = shutDownOnSignals({
    close: () => app.close(),
    reload: () => manager.settings.rescan(),
    ending: () => {
      server.ending = true
      manager.watch.ending()
    },
    graceMs: () => milliseconds(manager.config.manager.stop_grace),
    last: () => {
      if (server.listening) rmSync(listeningFile(manager.folder), { force: true })
      demo?.remove()
    },
    failed
  })
  manager.onNotice(notice => {
    if (!isTakenOver(notice)) return
    setTimeout(() => endProcess(1), TAKEN_OVER_GRACE).unref()
    end(1)
  }, 'owner')
}

/** The log of the server, which also writes the notices of the manager. `note`: writes a line that is not a notice. */
function openLog (manager: TaskManager, form: LogForm): Pick<TerminalLog, 'log' | 'note'> {
  if (form === 'json') {
    const log = createLog(manager.config.log)
    manager.onNotice(noticeLog(log), 'log')
    return { log, note: (_, words) => log.info(words) }
  }
  const { listener, ...log } = terminalLog(manager.config.log)
  manager.onNotice(listener, 'log')
  return log
}

async function serve (options: ManagerOptions, { demo, form }: Pick<Server, 'demo' | 'form'>): Promise<void> {
  await fileCalls.start()
  const manager = await settled(createManager({ ...options, watch: 'thread', runs: 'later' }),
    options.configFile ?? 'config.json')
  if (!await responds(manager.folder)) throw silent(`The data folder ${manager.folder}`)
  await checkDataFolder(manager.folder)
  // Standard output carries the log only.
  await new OutputCapture({ of: 'streams', others: 'stderr' }).start()
  const { log, note } = openLog(manager, form)
  // Relative paths of tasks are resolved against the folder of the configuration.
  process.chdir(manager.root)
  fixGlobals()
  // The first start imports every task file in a child process, which starts meanwhile.
  const dismiss = isFirstScan(manager.folder) ? prepareImporter() : () => undefined
  const app = await createServer({ manager, logger: log, ...options.env && { env: options.env } })
  await checkPort(manager)
  const server = { app, manager, demo, form, note, listening: false, ending: false }
  endOnRequest(server, error => log.error({ err: error }, 'failed'))
  await bringUp(server, dismiss).catch(error => {
    // A failure caused by the shutdown is not reported.
    if (!server.ending) throw error
  })
}

/** Starts everything and listens. */
async function bringUp (server: Server, dismiss: () => void): Promise<void> {
  const { app, manager, demo, note } = server
  const begin = demo === null ? () => undefined : prepareStory(manager, words => note('demo', words))
  // The start of the manager may block the event loop before the server listens.
  const pipe = findSignalPipe()
  await updateStandIn(app, manager, pipe)
  await app.ready()
  surviveUncaught(error => manager.notice({ kind: 'late_error', id: null, task: null, error: failureOf(error) }))
  dismiss()
  const url = await listen(app, manager)
  server.listening = true
  await updateStandIn(app, manager, pipe)
  await welcome({ ...server, url })
  if (server.ending) return
  begin()
  await manager.attend()
  trimHeap(manager)
  await pruneCompileCache()
}

/** Starts the server, or prints what is scheduled. */
export async function start (given: StartOptions): Promise<void> {
  if (given.displayOnly) {
    return await withTasks(homeOnly(given), async manager => print(await scheduleTable(manager)))
  }
  const demo = given.demo ? await makeDemo(given.port) : null
  const { data: _, config: __, env: ___, port: ____, ...rest } = given
  try {
    await serve(demo === null ? homeOnly(given) : managerOptions({ ...rest, config: demo.configFile }), {
      demo,
      form: logForm(given.log)
    })
  } catch (error) {
    demo?.remove()
    throw error
  }
}
