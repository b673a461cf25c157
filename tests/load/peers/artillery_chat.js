// The same journey for Artillery, whose own ws steps cannot wait for five messages.
const URL = `ws://127.0.0.1:${process.env.PORT}/`;
const WebSocket = require("ws");
const TOKEN = { headers: { Authorization: "Bearer " + "x".repeat(200) }, perMessageDeflate: false };
const began = process.hrtime.bigint();
const before = process.cpuUsage();
let n = 0;

process.on("exit", () => {
  const used = process.cpuUsage(before);
  const wall_s = Number(process.hrtime.bigint() - began) / 1e9;
  console.log(JSON.stringify({ n, wall_s, cpu_s: (used.user + used.system) / 1e6 }));
});

module.exports = {
  talk(context, events, done) {
    const socket = new WebSocket(URL, TOKEN);
    let heard = 0;
    socket.on("open", () => socket.send('{"text": "say K7Q2-9XTM"}'));
    socket.on("message", (text) => {
      JSON.parse(text);
      heard += 1;
      if (heard === 5) socket.close();
    });
    socket.on("close", () => {
      n += 1;
      done();
    });
    socket.on("error", done);
  },
};
