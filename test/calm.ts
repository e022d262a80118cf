const { NODE_COMPILE_CACHE } = process.env

/** Environment of a server under test: how busy the machine is that runs the tests holds no run, and the server shares
 *  the compiled code of the tests. */
export const CALM = {
  OFFPEAK_RESOURCES__CPU_LIMIT: '1',
  OFFPEAK_RESOURCES__IO_LIMIT: '1',
  ...NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }
}
