import type { Command } from 'commander'
import type { ServiceOptions } from '../service/service.ts'
import { localOptions } from '../remote/options.ts'

const options = (command: Command): Command =>
  localOptions(command)
    .option('--system', 'a service of the whole machine; default: of this user')
    .option('--user <name>', 'account of a service of the whole machine; default: the current one')
    .option('--print', 'print what would be written or run')

/** `service`: starts offpeak with the machine. */
export function addService (program: Command): void {
  const service = program.command('service').description('start offpeak with the machine: systemd or launchd')
  options(service.command('install').description('write the service of this folder, and start it'))
    .action(async (given: ServiceOptions) => (await import('../service/service.ts')).install(given))
  options(service.command('remove').description('stop the service and remove its file'))
    .action(async (given: ServiceOptions) => (await import('../service/service.ts')).remove(given))
}
