// The element for other people's pages: one module at a fixed name, dist/yeoul-player.js. hls.js alone is a file of its
// own beside it, which a page loads when it first plays HLS; the app's build gives that file the same name and content.
import { defineConfig } from 'vite';

export default defineConfig({
  // Relative to the module, wherever a page has it from.
  base: './',
  publicDir: false,
  build: {
    target: 'es2022',
    // Runs after the app's build, into the same folder.
    emptyOutDir: false,
    modulePreload: false,
    // hls.js, which nobody loads who does not play HLS.
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      input: 'src/yeoul-player.ts',
      preserveEntrySignatures: 'exports-only',
      output: { entryFileNames: 'yeoul-player.js', chunkFileNames: 'assets/[name]-[hash].js' },
    },
  },
});
