// One worker: then each test has its own time, and the proxy can tell whose contact it saw.
export default {
  workers: 1,
  reporter: [["json", { outputFile: "reports/playwright.json" }]],
  use: {
    baseURL: process.env.SHOP_URL,
    launchOptions: process.env.CHROMIUM
      ? { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] }
      : {},
  },
};
