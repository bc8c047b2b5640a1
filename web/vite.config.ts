// The app: index.html at the root of dist/, everything else hashed under assets/.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Relative addresses, so that the pages also work below a reverse proxy's path or `api.base_path`.
  base: './',
  build: {
    target: 'es2022',
    // A `data:` address would need a looser Content-Security-Policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: false,
    // hls.js, which nobody loads who does not play HLS.
    chunkSizeWarningLimit: 700,
    // The notices that Lit's licence asks to pass on, also those of yeoul-player.js.
    license: { fileName: 'licenses.md' },
  },
  test: {
    include: ['src/**/*.test.ts'],
  },
  server: {
    proxy: { '/api': 'http://127.0.0.1:1984' },
  },
});
