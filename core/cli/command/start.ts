import type { Command } from 'commander'
import type { StartGiven } from '../local/start.ts'
import { local, whole } from '../remote/options.ts'

/** `start`: the server, in the foreground. */
export function addStart (program: Command): void {
  local(program.command('start').description('start offpeak; logs go to standard output, one JSON record a line'))
    .option('--host <address>', 'the address to listen on')
    .option('--port <port>', 'the port to listen on; 0 takes a free one', whole('--port', 0, 65_535))
    .option('--demo', 'the built-in tasks every few seconds, on sample files in a folder of their own')
    .option('--display-only', 'print what is scheduled, and start nothing')
    .action(async (given: StartGiven) => (await import('../local/start.ts')).start(given))
}
