-- wrk sends each prepared request once, over all threads; arguments: file, size, number, threads.
local threads = {}

function setup(thread)
   thread:set("id", #threads)
   table.insert(threads, thread)
end

function init(args)
   size, last, step, exhausted = tonumber(args[2]), tonumber(args[3]), tonumber(args[4]), 0
   file = assert(io.open(args[1], "rb"))
   following = id
end

function request()
   if following >= last then
      exhausted = exhausted + 1
      return ""
   end
   file:seek("set", following * size)
   following = following + step
   return file:read(size)
end

function done(summary, latency, requests)
   local wanting = 0
   for _, thread in ipairs(threads) do
      wanting = wanting + thread:get("exhausted")
   end
   local e = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%f,"bytes":%d,"bad":%d,"exhausted":%d,"p50":%f,"p99":%f}\n',
      summary.requests, summary.duration / 1e6, summary.bytes,
      e.connect + e.read + e.write + e.status + e.timeout, wanting,
      latency:percentile(50) / 1e6, latency:percentile(99) / 1e6))
end
