/** Something that lives. `start` twice is once, `stop` before `start` and `stop` twice are silence,
 *  `stop` resolves when it has truly stopped, and `start` after `stop` works. */
export interface Service {
  start (): Promise<void>
  stop (): Promise<void>
}

/** Starts in order; when one fails, those already started are stopped and the error is thrown. */
export async function startAll (services: readonly Service[]): Promise<void> {
  for (const [index, service] of services.entries()) {
    try {
      await service.start()
    } catch (error) {
      await stopAll(services.slice(0, index))
      throw error
    }
  }
}

/** Stops in reverse order; every one is stopped, then the first error is thrown. */
export async function stopAll (services: readonly Service[]): Promise<void> {
  const errors: unknown[] = []
  for (const service of services.toReversed()) {
    await service.stop().catch(error => errors.push(error))
  }
  if (errors.length > 0) throw errors[0]
}
