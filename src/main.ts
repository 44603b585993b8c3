/**
 * The gateway as a process. Nothing is imported before the next line: a signal SIGUSR1 would open Node's inspector, and with it the
 * heap, to whoever may signal the process; a listener prevents that (spec, Security, T21).
 */
process.on('SIGUSR1', () => {});

const [{ serve }, { welcome }] = await Promise.all([import('./serve.js'), import('./dev/welcome.js')]);
await serve({ argv: process.argv.slice(2), env: process.env, greet: welcome });
