import { createServer as createServerSocket } from 'node:net'
import { mkdir, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
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
import type { Listening } from '../remote/find-server.ts'
import { managerOptions } from '../remote/options.ts'
import { makeDemo } from './demo.ts'
import { SECOND, milliseconds } from '../../model/base/duration.ts'
import { prepareImporter } from '../../load/import/try-imports.ts'
import { print, printNote } from '../terminal/output.ts'
import { pruneCompileCache } from './compile-cache.ts'
import { refuseOwned } from '../../engine/sqlite/file/lock.ts'
import { scheduleTable, withTasks } from '../local/offline.ts'
import { startRefused } from '../../model/errors/config-errors.ts'

const DEMO_PORT = 7420
/** How long running runs have to stop once another process has taken over the data folder. */
const TAKEN_OVER_GRACE = 3 * SECOND

export type StartOptions = LocalOptions & { demo?: boolean, displayOnly?: boolean }

function listenFailed (error: unknown, { host, port }: TaskManager['config']['server']): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new Error(`port ${port} of ${host} is in use: stop the program that listens there, or start with --port`)
  }
  if (code === 'EACCES') {
    return startRefused({
      message: `Port ${port} of ${host} is not permitted`,
      fix: 'Use a port of 1024 or more.',
      pointer: '/server/port',
      cause: error
    })
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return startRefused({
      message: `This machine has no address ${host}`,
      fix: 'Set server.host to one of its own, or to 127.0.0.1.',
      pointer: '/server/host',
      cause: error
    })
  }
  return error
}

/** Throws when another offpeak owns the data folder. Other faults of the folder are left to the engine. */
function checkFolder (folder: string): void {
  try {
    refuseOwned(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'OFFPEAK_ENGINE_BUSY') throw error
  }
}

/** Throws when the port is in use, before anything that could run a task is started. Often another offpeak of the same
 *  folder uses it. */
async function checkPort ({ config: { server }, folder }: TaskManager): Promise<void> {
  const { host, port } = server
  const trial = createServerSocket()
  try {
    trial.listen({ host, port })
    await once(trial, 'listening')
  } catch (error) {
    checkFolder(folder)
    throw listenFailed(error, server)
  } finally {
    trial.close()
  }
}

async function listen (app: Awaited<ReturnType<typeof createServer>>, manager: TaskManager): Promise<string> {
  const { host, port } = manager.config.server
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenFailed(error, { ...manager.config.server })
  }
  const { address, port: taken } = app.server.address() as AddressInfo
  const url = `http://${reachable(address)}:${taken}`
  await mkdir(manager.folder, { recursive: true })
  const { file } = await serverToken(manager)
  const listening: Listening = { url, pid: process.pid, token_file: file }
  await writeFile(listeningFile(manager.folder), JSON.stringify(listening), { mode: 0o600 })
  return url
}

async function welcome (manager: TaskManager, url: string, demo: Demo | null): Promise<void> {
  const { file } = await serverToken(manager)
  printNote(await scheduleTable(manager))
  printNote('')
  printNote(`offpeak answers at ${url}`)
  const root = manager.security.findings.find(({ subject }) => subject === 'root')
  if (root) printNote(`${root.message}: ${root.fix}`)
  printNote(`the token is ${file === null ? 'the one in OFFPEAK_TOKEN' : `in ${file}`}`)
  if (demo !== null) {
    printNote(`a demo on sample files in ${demo.folder}, removed at the end; its data folder: --data ${manager.folder}`)
  }
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

async function serve (options: ManagerOptions, demo: Demo | null): Promise<void> {
  await fileCalls.start()
  const manager = await settled(createManager({ ...options, watch: 'thread', runs: 'later' }),
    options.configFile ?? 'config.json')
  if (!await responds(manager.folder)) throw silent(`The data folder ${manager.folder}`)
  const log = createLog(manager.config.log)
  // Standard output carries log records only.
  await new OutputCapture({ of: 'streams', others: 'stderr' }).start()
  manager.onNotice(noticeLog(log), 'log')
  // Relative paths of tasks are resolved against the folder of the configuration.
  process.chdir(manager.root)
  fixGlobals()
  // The first start imports every task file in a child process, which starts meanwhile.
  const dismiss = isFirstScan(manager.folder) ? prepareImporter() : () => undefined
  const app = await createServer({ manager, logger: log, ...options.env && { env: options.env } })
  await checkPort(manager)
  const server = { app, manager, demo, listening: false, ending: false }
  endOnRequest(server, error => log.error({ err: error }, 'failed'))
  await bringUp(server, dismiss).catch(error => {
    // A failure caused by the shutdown is not reported.
    if (!server.ending) throw error
  })
}

/** Starts everything and listens. */
async function bringUp (server: Server, dismiss: () => void): Promise<void> {
  const { app, manager, demo } = server
  // The start of the manager may block the event loop before the server listens.
  const pipe = findSignalPipe()
  await updateStandIn(app, manager, pipe)
  await app.ready()
  surviveUncaught(error => manager.notice({ kind: 'late_error', id: null, task: null, error: failureOf(error) }))
  dismiss()
  const url = await listen(app, manager)
  server.listening = true
  await updateStandIn(app, manager, pipe)
  await welcome(manager, url, demo)
  if (server.ending) return
  await manager.attend()
  trimHeap(manager)
  await pruneCompileCache()
}

/** Starts the server, or prints what is scheduled. */
export async function start (given: StartOptions): Promise<void> {
  if (given.displayOnly) {
    return await withTasks(managerOptions(given), async manager => print(await scheduleTable(manager)))
  }
  const demo = given.demo ? await makeDemo(given.port ?? DEMO_PORT) : null
  const { data: _, config: __, env: ___, port: ____, ...rest } = given
  try {
    await serve(demo === null ? managerOptions(given) : managerOptions({ ...rest, config: demo.configFile }), demo)
  } catch (error) {
    demo?.remove()
    throw error
  }
}
