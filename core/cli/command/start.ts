import type { Command } from 'commander'
import type { StartOptions } from '../serve/start.ts'
import { localOptions, oneOf, wholeNumber } from '../remote/options.ts'
import { LOG_FORMS } from '../serve/log-form.ts'

/** `start`: runs the server in the foreground. */
export function addStart (program: Command): void {
  localOptions(
    program.command('start').summary('start the server').description(
      'start the server; events go to standard output: a line of text on a terminal, a JSON record elsewhere'
    )
  )
    .option('--host <address>', 'address to listen on')
    .option('--port <port>', 'port to listen on; 0: any free port', wholeNumber('--port', 0, 65_535))
    .option('--log <form>', 'pretty: a line of text per event; json: a record; default: pretty on a terminal',
      oneOf('--log', LOG_FORMS))
    .option('--demo', 'run built-in tasks on sample files in a temporary folder, on a laptop whose plug is pulled')
    .option('--display-only', 'print the schedule of every task and exit')
    .action(async (given: StartOptions) => (await import('../serve/start.ts')).start(given))
}
