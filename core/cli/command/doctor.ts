import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { remoteOptions } from '../remote/options.ts'

/** `doctor`: what may keep tasks from running. */
export function addDoctor (program: Command): void {
  remoteOptions(
    program.command('doctor').description(
      'check everything that may keep tasks from running, with what to do; exit code 0: well, 1: findings'
    )
  ).action(async (given: RemoteOptions) => (await import('../doctor/doctor.ts')).doctor(given))
}
