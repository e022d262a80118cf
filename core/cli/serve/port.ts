import { createServer } from 'node:net'
import { once } from 'node:events'
import { portOwner } from '../../sense/source/port-owner.ts'
import { refuseOwned } from '../../engine/sqlite/file/lock.ts'
import { startRefused } from '../../model/errors/config-errors.ts'
import type { TaskManager } from '../../manager.ts'

type Address = Pick<TaskManager['config']['server'], 'host' | 'port'>

/** The error of a failed attempt to listen, with the cause and what to do. */
export async function listenFailed (error: unknown, { host, port }: Address): Promise<unknown> {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const owner = await portOwner(port)
    return new Error(
      `port ${port} of ${host} is in use${
        owner === null ? '' : ` by ${owner}`
      }: stop the program that listens there, or start with --port`
    )
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

/** Listens for a moment; rejects as `listen` does. Resolves to the port. */
export async function tryPort ({ host, port }: Address): Promise<number> {
  const trial = createServer()
  try {
    trial.listen({ host, port })
    await once(trial, 'listening')
    const address = trial.address()
    return address === null || typeof address === 'string' ? port : address.port
  } finally {
    trial.close()
  }
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
export async function checkPort ({ config: { server }, folder }: TaskManager): Promise<void> {
  try {
    await tryPort(server)
  } catch (error) {
    checkFolder(folder)
    throw await listenFailed(error, server)
  }
}
